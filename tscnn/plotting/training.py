"""The picture of a training: losses by epoch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.checks import received
from tscnn.plotting.figures import COLORS, DASHES, add_title, make_panels, need_matplotlib

__all__ = ["plot_training"]

NAMES = {"loss": "training rows", "val_loss": "validation rows"}


def plot_training(history: pd.DataFrame, *, title: str | None = None, figure: Any = None) -> Any:
    """Draw the losses of the network by epoch, and mark the epoch whose weights stay: that of the least on validation.

    Parameters
    ----------
    history : DataFrame of shape (n_epochs, n_losses)
        ``forecaster.history_``, or ``pd.DataFrame(model.fit(..).history)`` of Keras.
    title : str, optional
        Default says what is drawn; "" is none.
    figure : matplotlib Figure or SubFigure, optional
        To draw in; default a new one of pyplot.

    Returns
    -------
    Axes
        Of one panel.

    Raises
    ------
    ImportError
        If matplotlib isn't installed.
    TypeError, ValueError
        If `history` is no frame, or has no epoch or loss, as without a network.

    Examples
    --------
    >>> plot_training(pd.DataFrame({"loss": [3.0, 2.0], "val_loss": [3.0, 2.5]})).get_xlabel()
    'epoch'
    """
    need_matplotlib()
    if not isinstance(history, pd.DataFrame):
        raise TypeError(received("`history` must be a DataFrame, `forecaster.history_`.", history=history))
    names = [name for name in history if str(name).endswith("loss")]
    if not names or not len(history):
        rule = "`history` must have losses of some epochs; without a network there are none."
        raise ValueError(received(rule, shape=history.shape, columns=list(history)[:5]))
    epochs = np.arange(1, len(history) + 1)
    panels = make_panels(figure, (1, 1), (7, 3.2))
    panel = panels[0]
    for number, name in enumerate(names):
        style = {"color": COLORS[number % len(COLORS)], "ls": DASHES[number % len(DASHES)]}
        panel.plot(epochs, history[name].to_numpy(float), marker="o", ms=3, label=NAMES.get(name, name), **style)
    if "val_loss" in names and history["val_loss"].notna().any():
        best = int(np.nanargmin(history["val_loss"].to_numpy(float)))
        panel.axvline(epochs[best], color="0.6", lw=0.8, ls=":", zorder=0)
        panel.annotate(f"epoch {epochs[best]}", (epochs[best], 1), (3, -2), xycoords=("data", "axes fraction"),
                       textcoords="offset points", va="top", fontsize="small")  # fmt: skip
    panel.set(xlabel="epoch", ylabel="loss")
    panel.xaxis.get_major_locator().set_params(integer=True)
    add_title(panels, "Training of the network" if title is None else title)
    return panel
