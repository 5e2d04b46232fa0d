import pytest

from tests.conftest import closed_form


@pytest.fixture(autouse=True)
def close_figures():
    """Have pyplot forget the figures of each test."""
    yield
    pytest.importorskip("matplotlib.pyplot").close("all")


@pytest.fixture(scope="session")
def forecaster(frame):
    """A model of the first 250 rows of the frame."""
    return closed_form(lookback=24).fit(frame.iloc[:250])


@pytest.fixture(scope="session")
def explanation(forecaster):
    return forecaster.explain()


@pytest.fixture(scope="session")
def panel(frame):
    """A model of two series, which forecasts quantiles."""
    return closed_form(lookback=24, quantiles=(0.1, 0.9)).fit({"x": frame[["a"]], "y": frame[["a"]] * 2})
