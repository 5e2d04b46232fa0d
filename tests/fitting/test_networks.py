"""Which networks compete on validation rows."""

from tests.conftest import make_frame, small_forecaster
from tscnn.data import SeriesSet, Split, learn_schema
from tscnn.fitting.networks import list_candidates
from tscnn.linear.mixture import LinearMixture
from tscnn.parameters import read_parameters


def candidates_of(frame, lookback=12, horizon=3, linear=True, **settings):
    """The networks that a forecaster of these settings would train, and whether linear terms go with each."""

    class Linear:
        fitted = (LinearMixture.__new__(LinearMixture),)

    settings = {"normalizer_span": "auto", **settings, **({} if linear else {"linear_model": None})}
    parameters = read_parameters(small_forecaster(lookback=lookback, horizon=horizon, **settings))
    schema, frame = learn_schema(frame, settings.get("targets"))
    split = Split.of(SeriesSet.of_frames({None: frame}, schema), lookback, horizon, parameters.validation_fraction)
    listed = list_candidates(parameters.network, parameters, schema, split, lookback, Linear() if linear else None)
    return [(c.feature_mode, c.normalizer_span, c.add_level, len(terms)) for c, terms in listed]


def test_short_lookbacks_have_a_plain_rival(frame):
    assert candidates_of(frame, lookback=6) == [("joint", 3, False, 1), ("joint", 1, False, 0)]
    assert candidates_of(frame, lookback=6, linear=False) == [("joint", 3, True, 0), ("joint", 1, False, 0)]
    assert candidates_of(frame, lookback=6, maps="shared") == [("joint", 3, False, 1), ("joint", 1, False, 1)]
    assert candidates_of(frame, lookback=6, normalizer_span=3) == [("joint", 3, False, 1)]
    assert len(candidates_of(make_frame(2000), lookback=64)) == 1
    for too_long in ({"lookback": 6, "horizon": 9}, {"lookback": 12}):  # for four in 22 or 28 origins
        assert len(candidates_of(frame, **too_long)) == 1


def test_an_independent_network_is_a_rival_where_columns_can_be_apart(frame):
    both = [("joint", 6, False, 1), ("independent", 6, False, 1)]
    assert candidates_of(frame, feature_mode="auto") == both
    assert candidates_of(frame, feature_mode="auto", targets=["a"]) == both[:1]
    assert candidates_of(frame[["b"]], feature_mode="auto") == both[:1]
