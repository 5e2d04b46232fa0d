import numpy as np
import pytest

from tscnn.plotting import plot_explanation


def drawn(panel) -> dict:
    return {line.get_label(): line.get_ydata() for line in panel.lines}


def test_explain_is_drawn_as_terms_columns_and_lags(explanation):
    terms, columns, lags = plot_explanation(explanation, "b")
    np.testing.assert_allclose(drawn(terms)["forecast"], explanation.forecast["b"])
    heights = np.sum([[bar.get_height() for bar in bars] for bars in terms.containers], axis=0)
    np.testing.assert_allclose(drawn(terms)["level"] + heights, explanation.forecast["b"], rtol=1e-4)
    assert "b" in [label.get_text() for label in columns.get_yticklabels()]
    assert len(lags.lines[0].get_xdata()) == 24
    with pytest.raises(ValueError, match=r"`target` must be one of \['a', 'b', 'c'\]. Received: target='z'"):
        plot_explanation(explanation, "z")


def test_in_grey_terms_differ_by_their_hatches(explanation):
    terms = plot_explanation(explanation)[0]
    hatches = [bars[0].get_hatch() for bars in terms.containers]
    assert len(set(hatches)) == len(hatches)


def test_explain_of_one_series_of_a_panel_is_drawn(panel):
    explanation = panel.explain()
    found = drawn(plot_explanation(explanation, "a", "y")[0])["forecast"]
    np.testing.assert_allclose(found, explanation.forecast.loc["y"]["a"])
