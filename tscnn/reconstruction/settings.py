"""Settings of a reconstructor's network."""

from __future__ import annotations

from dataclasses import dataclass

from tscnn.common.checks import check_int
from tscnn.common.settings import Settings

__all__ = ["UNet"]


@dataclass(frozen=True)
class UNet(Settings):
    """The convolutions that a reconstructor adds to its closed form; checked when it is fitted.

    Attributes
    ----------
    latent : int, optional
        Numbers a row of a dense layer between the ways down and up, through which all must go: the network is an
        autoencoder then, without the connections that pass that layer by. None for none.

    Examples
    --------
    >>> UNet().set_params(latent=8)
    UNet(latent=8)
    """

    latent: int | None = None

    def check(self) -> None:
        """Hold every setting to its kind.

        Raises
        ------
        TypeError, ValueError
            Naming the setting.
        """
        if self.latent is not None:
            check_int("latent", self.latent)
