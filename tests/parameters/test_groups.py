"""Settings that are given flat, or by group."""

import pytest

from tscnn.parameters.groups import nest_settings

GROUPS = {"network": "auto", "linear_model": "auto", "training": "auto"}


def test_settings_of_one_name_go_to_the_group_that_is_named() -> None:
    found = nest_settings(GROUPS, {"linear_model__level": 0.3, "training__level": 0.4, "network__filters": 3})
    assert (found["linear_model"].level, found["training"].level, found["network"].filters) == (0.3, 0.4, 3)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("filtres", "filters"),
        ("network__filtres", "filters"),
        ("training__filters", "filters"),
        ("linear_model__mixture__n_fold", "mixture__n_folds"),
        ("linear_model__alphas", "linear_model__mixture__alphas"),
        ("alphas", "linear_model__mixture__alphas"),
        ("seed", "random_state"),
        ("past_covariates", "targets"),
    ],
)
def test_errors_of_settings_name_what_was_meant(name: str, meant: str) -> None:
    with pytest.raises(TypeError, match=f"has no parameter '{name}'.*did you mean '{meant}'"):
        nest_settings(GROUPS, {name: 1})
