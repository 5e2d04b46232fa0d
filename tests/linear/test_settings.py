from dataclasses import fields, is_dataclass

import pytest

from tscnn.linear import LinearModel
from tscnn.linear.settings import MixtureSettings


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"maps": "none"}, ValueError),
        ({"cross_series": None}, ValueError),
        ({"level": 0}, ValueError),
        ({"level": "low"}, TypeError),
        ({"fewest_blocks": 1}, ValueError),
        ({"fewest_folds": 1}, ValueError),
        ({"most_origins": 0}, ValueError),
        ({"most_windows": 10**5000}, ValueError),
        ({"least_gain": "x"}, TypeError),
        ({"mean_reversion": 1}, ValueError),
        ({"baseline_alphas": ()}, TypeError),
        ({"baseline_alphas": 0.1}, TypeError),
        ({"mixture": MixtureSettings}, TypeError),
        ({"lookbacks": None}, TypeError),
    ],
)
def test_errors_name_wrong_settings(changed, error):
    with pytest.raises(error, match=f"`{next(iter(changed))}` must be .* Received"):
        LinearModel(**changed)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"mixture__n_folds": -1}, "`n_folds` must be an integer of at least 0"),
        ({"mixture__alphas": (0.1, "x")}, r"`alphas\[1\]` must be a number"),
        ({"mixture__alphas": [float("nan")]}, r"`alphas\[0\]` must be a number"),
        ({"mixture__equal_weights": 0}, r"`equal_weights` must be a number in \(0, inf\)"),
        ({"mixture__least_weight": 1}, r"`least_weight` must be a number in \[0, 1\)"),
        ({"cross_series_settings__lengths": (1.5,)}, r"`lengths\[0\]` must be an integer"),
        ({"cross_series_settings__n_parts": 10**9}, "`n_parts` must be an integer of at most 99"),
        ({"lookbacks__longest": 0}, "`longest` must be an integer of at least 1"),
        ({"mixture__n_fold": 3}, "MixtureSettings has no setting 'n_fold'; did you mean 'n_folds'?"),
    ],
)
def test_errors_name_wrong_settings_of_a_part(changed, message):
    with pytest.raises((TypeError, ValueError), match=f"{message}.* Received: "):
        LinearModel().set_params(**changed)


@pytest.mark.parametrize(
    ("maps", "kinds"), [("auto", ("shared", "grouped")), ("shared", ("shared",)), ("per_feature", ("per_feature",))]
)
def test_maps_name_their_kinds(maps, kinds):
    assert LinearModel(maps=maps).kinds == kinds


def test_every_setting_is_documented():
    def check(settings):
        for field in fields(settings):
            assert f"{field.name}" in (type(settings).__doc__ or ""), field.name
            if is_dataclass(value := getattr(settings, field.name)):
                check(value)

    check(LinearModel())


def test_settings_are_values():
    assert LinearModel() == LinearModel()
    assert hash(LinearModel()) == hash(LinearModel())
    assert LinearModel(maps="shared") != LinearModel()
