"""What a forecaster's parameters mean, and the errors where they mean nothing."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from tscnn.common.checks import check_choice, check_int, check_real, received
from tscnn.common.progress import is_watched
from tscnn.linear.settings import LinearModel
from tscnn.network.settings import TCN
from tscnn.training.settings import Training

__all__ = [
    "GROUPS",
    "CheckedParameters",
    "check_needs_no_validation",
    "is_auto",
    "nest_settings",
    "read_parameters",
    "resolve_group",
]

GROUPS: dict[str, Any] = {"network": TCN, "linear_model": LinearModel, "training": Training}


@dataclass(frozen=True)
class CheckedParameters:
    """The parameters of a `tscnn.Forecaster`, checked.

    Attributes
    ----------
    lookback : int, or None
        None where it is to be chosen.
    horizon : int
        Steps to forecast.
    has_yearly_season : bool
        Whether a yearly season may be subtracted.
    network : TCN, or None
        The convolutions; None without.
    linear_model : LinearModel, or None
        None without one.
    training : Training
        Of the convolutions.
    validation_fraction : float
        Of the rows.
    device : str
        Of `tscnn.network.backend.check_device`.
    seed : int
        Drawn from `random_state`.
    verbose : bool
        Whether to write lines.
    """

    lookback: int | None
    horizon: int
    has_yearly_season: bool
    network: TCN | None
    linear_model: LinearModel | None
    training: Training
    validation_fraction: float
    device: str
    seed: int
    verbose: bool


def read_parameters(forecaster: Any) -> CheckedParameters:
    """Check every parameter that can be checked without data.

    Parameters
    ----------
    forecaster : Forecaster
        Or whatever has attributes of these names.

    Returns
    -------
    CheckedParameters
        With a seed drawn from `random_state`.

    Raises
    ------
    TypeError, ValueError
        Naming the parameter that breaks a rule.
    """
    network, linear_model, training = (resolve_group(name, getattr(forecaster, name)) for name in GROUPS)
    if linear_model is None and network is None:
        rule = "Of `network` and `linear_model` one at least must not be None: nothing would forecast."
        raise ValueError(received(rule, network=None, linear_model=None))
    verbose = check_choice("verbose", forecaster.verbose, ("auto", True, False, 0, 1, 2))
    training.check()
    return CheckedParameters(
        lookback=_read_lookback(forecaster.lookback, network),
        horizon=check_int("horizon", forecaster.horizon),
        has_yearly_season=check_choice("yearly_seasonality", forecaster.yearly_seasonality, ("auto", None)) == "auto",
        network=network,
        linear_model=linear_model,
        training=training,
        validation_fraction=check_real("validation_fraction", forecaster.validation_fraction, low=0, high=1),
        device=forecaster.device,
        seed=_draw_seed(forecaster.random_state),
        verbose=is_watched() if verbose == "auto" else bool(verbose),
    )


def _draw_seed(random_state: Any) -> int:
    """Draw a seed; NumPy's global generator, which scikit-learn takes for None, is left alone."""
    if random_state is None:
        random_state = np.random.RandomState()
    return int(check_random_state(random_state).randint(2**31 - 1))


def is_auto(value: Any) -> bool:
    """Tell "auto" from what may be an array.

    Parameters
    ----------
    value : object
        Of a parameter.

    Returns
    -------
    bool
        Whether it is left to choose.
    """
    return isinstance(value, str) and value == "auto"


def resolve_group(name: str, value: Any) -> Any:
    """Return a group of settings, for "auto" that of all defaults.

    Parameters
    ----------
    name : str
        Of the parameter, one of `GROUPS`.
    value : object
        What the forecaster was given.

    Returns
    -------
    TCN, LinearModel, Training or None
        As given, or new. None, for a forecaster without it, only of a network and of a linear model.

    Raises
    ------
    TypeError
        If it is neither.
    """
    group = GROUPS[name]
    if is_auto(value):
        return group()
    if value is None and name != "training":
        return None
    if not isinstance(value, group):
        none = "" if name == "training" else ", None"
        rule = f"`{name}` must be 'auto'{none} or tscnn.{group.__name__}(...)."
        raise TypeError(received(rule, **{name: value}))
    return value


def nest_settings(groups: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Put settings that are given flat into their groups.

    Parameters
    ----------
    groups : dict
        The values of the parameters in `GROUPS`.
    settings : dict
        By name: ``{"filters": 8}``.

    Returns
    -------
    dict
        The groups that change; none where a group is no group of settings.

    Raises
    ------
    TypeError
        If no group has a setting of such a name, or its group is None.

    Examples
    --------
    >>> nest_settings({"network": "auto"}, {"filters": 8})["network"].filters
    8
    """
    if any(
        value is not None and not is_auto(value) and not isinstance(value, GROUPS[n]) for n, value in groups.items()
    ):
        return {}  # what is wrong with a group, `fit` says
    homes = {setting: name for name, group in GROUPS.items() for setting in group().get_params()}
    changes: dict[str, dict[str, Any]] = {}
    for setting, value in settings.items():
        if setting not in homes:
            rule = f"Forecaster has no parameter {setting!r}, nor has one of its settings {', '.join(GROUPS)}."
            raise TypeError(received(rule, **{setting: value}))
        changes.setdefault(homes[setting], {})[setting] = value
    nested = {}
    for name, own in changes.items():
        if groups[name] is None:
            raise TypeError(received(f"With {name}=None there is no setting {next(iter(own))!r}.", **own))
        nested[name] = resolve_group(name, groups[name]).set_params(**own)
    return nested


def check_needs_no_validation(parameters: CheckedParameters, n_rows: int) -> None:
    """Complain if nothing can be held back to choose on.

    Parameters
    ----------
    parameters : CheckedParameters
        Of the forecaster.
    n_rows : int
        Of the training frame.

    Raises
    ------
    ValueError
        If something is to be chosen; else there is a warning.
    """
    network = parameters.network
    chosen = {
        "lookback": parameters.lookback is None,
        "feature_mode": network is not None and is_auto(network.feature_mode),
    }
    for name, is_chosen in chosen.items():
        if is_chosen:
            rule = f"`{name}='auto'` is chosen on validation rows, and there are none."
            raise ValueError(received(rule, n_rows=n_rows, validation_fraction=parameters.validation_fraction))
    if parameters.validation_fraction > 0:
        said = "`X` is too short to hold validation rows back, so all epochs are run and none is chosen; "
        said += "validation_fraction=0 says that this is fine."
        told = received(said, n_rows=n_rows, lookback=parameters.lookback, horizon=parameters.horizon)
        warnings.warn(told, stacklevel=4)


def _read_lookback(lookback: Any, network: TCN | None) -> int | None:
    """Return a lookback, None for "auto"; what has to fit one that is chosen must be left to choose, too."""
    if not is_auto(lookback):
        return check_int("lookback", lookback)
    for name in ("dilation_rates", "normalizer_span") if network is not None else ():
        value = getattr(network, name)
        if value is not None and not is_auto(value):
            raise ValueError(received(f"With lookback='auto' `{name}` must be 'auto'.", **{name: value}))
    return None
