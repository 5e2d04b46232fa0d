import matplotlib.pyplot as plt
import pandas as pd
import pytest

from tscnn.plotting import plot_training, save_picture
from tscnn.plotting.figures import COLORS, grid_of


@pytest.mark.parametrize(("n", "shape"), [(1, (1, 1)), (4, (4, 1)), (5, (3, 2)), (12, (4, 3))])
def test_small_multiples(n, shape):
    assert grid_of(n) == shape


def luminance(color: str) -> float:
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255


def test_forecasts_can_be_told_from_black_observations_in_grey():
    assert luminance(COLORS[1]) > 0.4


def test_a_saved_figure_is_forgotten(tmp_path):
    save_picture(plot_training(pd.DataFrame({"loss": [1.0, 0.5]})), tmp_path / "loss.svg", "svg")
    assert "<svg" in (tmp_path / "loss.svg").read_text()
    assert not plt.get_fignums()
