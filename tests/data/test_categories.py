from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from tscnn.data.categories import UNKNOWN, learn_categories, number_categories

FRAME = pd.DataFrame({"y": [1.0, 2.0, 3.0], "sky": ["rain", "clear", "rain"], "kind": pd.Categorical([2, 1, 1])})
ROLES = ["target", "future_covariate", "past_covariate"]


def test_covariates_of_text_and_categories_are_learnt_in_order() -> None:
    found = learn_categories(FRAME, ROLES)
    assert found[0] is None
    assert [one.tolist() for one in found[1:] if one is not None] == [["clear", "rain"], [1, 2]]
    assert number_categories(FRAME, found).to_numpy().tolist() == [[1, 1, 1], [2, 0, 0], [3, 1, 0]]
    assert FRAME["sky"].tolist() == ["rain", "clear", "rain"]


def test_covariates_of_numbers_alone_are_not_copied() -> None:
    assert number_categories(FRAME, [None] * 3) is FRAME


def test_covariates_of_other_types_of_text() -> None:
    for dtype in ("object", "string", "category"):
        found = learn_categories(FRAME.astype({"sky": dtype}), ROLES)[1]
        assert found is not None
        assert found.tolist() == ["clear", "rain"]


def test_covariates_of_unknown_categories_are_told() -> None:
    categories = learn_categories(FRAME, ROLES)
    with pytest.warns(UserWarning, match=re.escape("unknown=['hail']")):
        found = number_categories(FRAME.assign(sky=["rain", "hail", "clear"]), categories)
    assert found["sky"].tolist() == [1, UNKNOWN, 0]


def test_covariates_of_too_many_categories_or_missing_ones_are_errors() -> None:
    many = pd.DataFrame({"y": np.arange(101.0), "id": [f"x{i}" for i in range(101)]})
    with pytest.raises(ValueError, match="at most 100 categories"):
        learn_categories(many, ["target", "static_covariate"])
    with pytest.raises(ValueError, match=re.escape("fillna('missing')")):
        learn_categories(FRAME.assign(sky=["rain", None, "rain"]), ROLES)
