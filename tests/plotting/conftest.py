import pytest


@pytest.fixture(autouse=True)
def close_figures():
    """Have pyplot forget the figures of each test."""
    yield
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.close("all")
