import itertools

import numpy as np
import pytest

from tests.linear.series import random_walks
from tscnn.linear import LinearModel
from tscnn.linear.lookbacks import count_affordable, list_lookbacks
from tscnn.linear.settings import LookbackSettings, MixtureSettings

MODEL = LinearModel()


@pytest.mark.parametrize(
    ("season_length", "longest"), [(None, 768), (24, 768), (7, 896), (12, 768), (48, 768), (96, 768), (1, 1024)]
)
def test_candidates_are_halves_and_doubles_of_the_season(season_length, longest):
    found = list_lookbacks(np.zeros((5000, 1)), 24, season_length, MODEL)
    assert found[-1] == longest
    assert found[0] == 1
    assert all(longer // 2 == shorter for shorter, longer in itertools.pairwise(found))
    assert (season_length or 24) in found


def test_there_are_as_many_windows_as_rows_in_one():
    assert list_lookbacks(np.zeros((200, 1)), 24, 24, MODEL)[-1] == 48
    assert list_lookbacks(np.zeros((2 * 48 + 24, 1)), 24, 24, MODEL)[-1] == 48
    assert list_lookbacks(np.zeros((2 * 48 + 23, 1)), 24, 24, MODEL)[-1] == 24
    assert list_lookbacks(np.zeros((10, 1)), 24, 24, MODEL) == [1]
    assert list_lookbacks([np.zeros((100, 1)), np.zeros((200, 1))], 24, 24, MODEL)[-1] == 48


def test_of_many_targets_a_map_each_has_to_be_affordable():
    few, many = (list_lookbacks(np.zeros((5000, n)), 24, 24, MODEL)[-1] for n in (10, 40))
    assert (few, many) == (768, 384)
    assert count_affordable(384, 24, MODEL.mixture.most_entries) >= 40 > count_affordable(768, 24, 12_600_000)
    assert list_lookbacks(np.zeros((5000, 40)), 24, 24, LinearModel(maps="shared"))[-1] == 768
    assert list_lookbacks(np.zeros((5000, 400)), 24, 24, MODEL)[-1] == 768  # all that are affordable are short
    richer = LinearModel(mixture=MixtureSettings(most_entries=10**8))
    assert list_lookbacks(np.zeros((5000, 40)), 24, 24, richer)[-1] == 768


def weekly(n_rows, season, seed=0):
    """Days that differ by the day of the week."""
    random = np.random.default_rng(seed)
    shape = random.normal(size=(7 * season, 1))
    return (np.tile(shape, (-(-n_rows // len(shape)), 1))[:n_rows] + 0.3 * random.normal(size=(n_rows, 1))).astype(
        np.float32
    )


def test_a_week_that_tells_more_than_a_day_is_held():
    assert list_lookbacks(weekly(12_000, 96), 24, 96, MODEL)[-1] == 8 * 96 == 768
    assert list_lookbacks(weekly(12_000, 288), 24, 288, MODEL)[-1] == 8 * 288
    bounds = LinearModel(lookbacks=LookbackSettings(longest_season=2000))
    assert list_lookbacks(weekly(12_000, 288), 24, 288, bounds)[-1] == 1152
    assert list_lookbacks(weekly(3000, 288), 24, 288, MODEL)[-1] == 1152  # too few of them to tell


def test_one_column_of_many_does_not_ask_for_a_week():
    rows = np.hstack([random_walks([12_000], 20, 0) / 100, 50 * weekly(12_000, 96)]).astype(np.float32)
    cheap = LinearModel(maps="shared")
    assert list_lookbacks(rows[:, -1:], 24, 96, cheap)[-1] == 768
    assert list_lookbacks(rows, 24, 96, cheap) == list_lookbacks(rows[:, :-1], 24, 96, cheap)


@pytest.mark.parametrize("seed", range(4))
def test_chance_does_not_ask_for_a_week(seed):
    rows = random_walks([12_000], 1, seed)
    assert list_lookbacks(rows / rows.std(), 24, 288, MODEL)[-1] == 1152
