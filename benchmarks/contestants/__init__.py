"""The packages that are compared, one module each; nothing here imports any of them."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CONTESTANTS", "PEERS", "Contestant"]


class Contestant(NamedTuple):
    """Where a contestant's code is, and what it needs.

    ``module`` defines a class ``Model``, made with the settings and the keyword arguments `options`.
    ``train_batches`` of an epoch, ``epochs`` (the first is the warm-up) and ``backtest_origins`` bound the work that
    one measure takes: a slow one gets less of it, which changes no rate.
    """

    module: str
    distribution: str
    train_batches: int
    epochs: int
    backtest_origins: int
    options: dict[str, object] = {}  # noqa: RUF012


CONTESTANTS = {
    "tscnn": Contestant("ours", "tscnn", 10_000, 10, 100_000),
    "tscnn default": Contestant("ours", "tscnn", 10_000, 10, 100_000, {"default": True}),
    "tscnn window": Contestant("ours", "tscnn", 20, 4, 100_000, {"mode": "window"}),
    "keras recipe": Contestant("keras_recipe", "tensorflow", 8, 4, 1024),
    "keras-tcn": Contestant("keras_tcn", "keras-tcn", 8, 4, 1024),
    "darts": Contestant("darts_tcn", "darts", 8, 4, 1024),
    "neuralforecast": Contestant("neuralforecast_tcn", "neuralforecast", 2, 3, 128),
}
PEERS = ("keras recipe", "keras-tcn", "darts", "neuralforecast")
