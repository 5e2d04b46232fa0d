"""keras-tcn (github.com/philipperemy/keras-tcn): its layer between the same input and head as in the Keras recipe."""

from __future__ import annotations

from typing import Any

from benchmarks.contestants.common import powers_of_two
from benchmarks.contestants.keras_recipe import Model as KerasRecipe


class Model(KerasRecipe):
    """``tcn.TCN``, whose blocks have two convolutions of one dilation."""

    def _body(self) -> list[Any]:
        from tcn import TCN

        settings = self.settings
        rates = powers_of_two(settings.lookback, settings.kernel_size, convolutions=2)
        return [TCN(settings.filters, settings.kernel_size, dilations=rates, return_sequences=False)]
