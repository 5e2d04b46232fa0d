from dataclasses import fields, is_dataclass

import pytest

from tscnn.linear import LinearModel


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"maps": "none"}, ValueError),
        ({"principal_components": "yes"}, ValueError),
        ({"cross_series": None}, ValueError),
        ({"level": 0}, ValueError),
        ({"level": "low"}, TypeError),
        ({"fewest_blocks": 1}, ValueError),
        ({"fewest_folds": 1}, ValueError),
    ],
)
def test_wrong_settings_are_refused(changed, error):
    with pytest.raises(error, match=f"`{next(iter(changed))}` must be .* Received"):
        LinearModel(**changed)


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
