import numpy as np
import pytest

from tscnn.training.selection import Candidate, choose


def candidate(losses, *, has_linear=True, n_origins=None):
    losses = np.asarray(losses, dtype=float)
    name = f"mean loss {losses.mean():.9f}"
    return Candidate(losses, len(losses) if n_origins is None else n_origins, has_linear, name)


def choose_listing(candidates, apart):
    """Choose, and list the results in the order of the candidates."""
    index, results = choose(candidates, apart)
    assert list(results) == [rival.name for rival in candidates[1:]]
    return index, list(results.values())


@pytest.fixture
def losses():
    return np.random.default_rng(0).uniform(1, 2, size=240)


def test_the_smallest_mean_loss_is_chosen(losses):
    candidates = [candidate(losses + change) for change in (0, 1e-6, -2e-6, -1e-6)]
    index, results = choose_listing(candidates, apart=10)
    assert index == 2
    assert len(results) == 3
    assert {result.n_tries for result in results} == {3}
    assert results[1].gain > 0 > results[2].gain
    assert choose(candidates[:2], apart=10)[0] == 0
    assert choose(candidates[:1], apart=10) == (0, {})
    assert choose([candidate(losses)] * 3, apart=10)[0] == 0  # the first of equal ones


def test_without_linear_terms_a_gain_must_be_significant(losses):
    linear = candidate(losses)
    noise = np.random.default_rng(1).normal(0, 0.5, size=losses.shape)
    noise -= noise.mean() + 0.001
    index, (result,) = choose_listing([linear, candidate(losses + noise, has_linear=False)], apart=10)
    assert (index, result.kept) == (0, False)
    assert result.gain > 0
    index, (result,) = choose_listing([linear, candidate(losses + noise - 0.3, has_linear=False)], apart=10)
    assert (index, result.kept) == (1, True)
    assert choose([linear, candidate(losses + noise - 0.3, has_linear=False)], apart=100)[0] == 0  # two blocks
    free = candidate(losses, has_linear=False)
    assert choose([free, candidate(losses - 1e-6)], apart=100)[0] == 1
    assert choose([free, candidate(losses - 1e-6, has_linear=False)], apart=100)[0] == 1


def test_the_more_candidates_the_more_must_be_gained(losses):
    change = np.random.default_rng(2).normal(-0.06, 0.6, size=losses.shape)
    free = candidate(losses + change, has_linear=False)
    index, (single,) = choose_listing([candidate(losses), free], apart=5)
    assert (index, single.kept) == (1, True)
    assert 0.01 < single.p_value < 0.05
    several = [candidate(losses), *(candidate(losses + i) for i in range(1, 9)), free]
    index, results = choose_listing(several, apart=5)
    assert index == 0
    assert results[-1].p_value == pytest.approx(1 - (1 - single.p_value) ** 9)


def test_origins_that_were_not_evaluated_stand_between_those_that_were(losses):
    every_fourth = [candidate(each[::4], n_origins=240) for each in (losses, losses - 0.2)]
    _, (result,) = choose_listing(every_fourth, apart=40)
    assert result.n_blocks == 6  # of 10 origins, 40 rows
    _, (result,) = choose_listing([candidate(losses[:8], n_origins=8), candidate(losses[:8], n_origins=8)], apart=40)
    assert result.n_blocks == 1


def test_a_network_that_diverged_is_not_chosen(losses):
    diverged = candidate([np.nan])
    assert choose([candidate([1.0]), diverged], apart=5)[0] == 0
    index, (result,) = choose_listing([diverged, candidate([1.0])], apart=5)
    assert index == 1
    assert result.reason == "not kept: losses are not finite"
    assert choose_listing([candidate(losses), candidate(losses[1:] - 1)], apart=5)[1][0].reason.endswith("same origins")


def test_something_must_be_there_to_choose_from():
    with pytest.raises(ValueError, match="`candidates` must not be empty"):
        choose([], apart=5)
