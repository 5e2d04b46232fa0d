"""Draw the pictures of the README and of this site: ``tscnn demo && python docs/make_pictures.py``."""

from pathlib import Path

from matplotlib import pyplot as plt
from PIL import Image

from tscnn import Forecaster, datasets, plot_receptive_field

IMAGES = Path(__file__).with_name("images")
LAYERS = [(2, 1), (2, 2), (2, 4), (2, 8)]
BLUE, ORANGE, GREY = "#cfe3f0", "#f7d9c4", "#eeeeee"


def save(figure, name: str) -> None:
    """Save a figure in few colours: a tenth of the size."""
    path = IMAGES / name
    figure.savefig(path, dpi=100)
    shrink(path, path)


def shrink(source: Path, path: Path) -> None:
    """Write a picture in 64 colours."""
    Image.open(source).convert("RGB").quantize(64).save(path, optimize=True)


def draw_field() -> None:
    """Draw the taps of four layers, and what each row adds to a forecast."""
    temperature = datasets.load_nyc_weather()[["JFK_temp"]]
    forecaster = Forecaster(lookback=16, horizon=6, network=None, calendar=None).fit(temperature)
    save(plot_receptive_field(LAYERS, forecaster.explain())[0].figure, "receptive-field.png")


def draw_parts() -> None:
    """Draw what a forecast is the sum of."""
    figure, axes = plt.subplots(figsize=(9, 3.4))
    axes.set(xlim=(0, 9), ylim=(0, 3.4))
    axes.axis("off")
    texts = [
        (0.1, 1.2, 1.5, 1.0, GREY, "the last\nlookback rows"),
        (2.0, 1.2, 1.7, 1.0, GREY, "standardised,\neffects and yearly\nseason taken off"),
        (4.2, 2.1, 2.1, 1.0, BLUE, "linear maps,\nsolved in closed form"),
        (4.2, 0.3, 2.1, 1.0, ORANGE, "causal convolutions,\ntrained on what\nthe maps leave"),
        (7.3, 1.2, 1.6, 1.0, GREY, "the forecast,\nin your units"),
    ]
    for left, bottom, width, height, color, text in texts:
        axes.add_patch(plt.Rectangle((left, bottom), width, height, fc=color, ec="0.3", lw=1))
        axes.text(left + width / 2, bottom + height / 2, text, ha="center", va="center", fontsize=10)
    axes.text(6.8, 1.7, "+", ha="center", va="center", fontsize=20)
    arrows = [(1.6, 1.7, 2.0, 1.7), (3.7, 1.8, 4.2, 2.6), (3.7, 1.6, 4.2, 0.8), (6.3, 2.6, 6.7, 1.85)]
    for x, y, to_x, to_y in [*arrows, (6.3, 0.8, 6.7, 1.55), (6.95, 1.7, 7.3, 1.7)]:
        axes.annotate("", (to_x, to_y), (x, y), arrowprops={"arrowstyle": "->", "color": "0.3"})
    axes.text(
        5.25,
        1.7,
        "kept where they help on\nrows that are held back",
        ha="center",
        va="center",
        fontsize=9,
        style="italic",
    )
    figure.tight_layout(pad=0.2)
    save(figure, "parts.png")


if __name__ == "__main__":
    shrink(Path("tscnn-demo/forecast.png"), IMAGES / "forecast.png")
    draw_field()
    draw_parts()
