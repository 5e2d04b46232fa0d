"""The closed form: ridge regressions on windows, combined. Never imports Keras."""
