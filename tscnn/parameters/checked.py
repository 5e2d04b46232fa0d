"""What a forecaster's parameters mean, and the errors where they mean nothing."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tscnn.common.checks import check_choice, check_int, check_real, received
from tscnn.common.progress import Tell, find_teller
from tscnn.common.random_state import read_random_state
from tscnn.common.settings import is_auto
from tscnn.data.calendar import check_calendar, find_calendar
from tscnn.data.schema import MISSING
from tscnn.data.windows import split_row
from tscnn.linear.settings import LinearModel
from tscnn.network.settings import TCN
from tscnn.parameters.groups import GROUPS, resolve_group
from tscnn.training.loss import is_squared_error
from tscnn.training.settings import Training

__all__ = [
    "CheckedParameters",
    "check_needs_no_validation",
    "read_parameters",
    "warn_of_long_steps",
    "warn_of_short_lookback",
]


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
        None without one, and where the loss is no squared error: the network forecasts alone, then.
    training : Training
        Of the convolutions.
    validation_fraction : float
        Of the rows.
    device : str
        Of `tscnn.network.backend.check_device`.
    seed : int
        Drawn from `random_state`.
    tell : callable
        Takes lines for a person, of `tscnn.common.progress.find_teller`.
    replaces_outliers : bool
        Of the training rows, and of windows.
    calendar : tuple of str, or None
        Features of the times; None where they are to be chosen.
    missing : str
        What becomes of missing values, one of `MISSING`.
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
    tell: Tell
    replaces_outliers: bool
    calendar: tuple[str, ...] | None
    missing: str = "raise"


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
    if not is_squared_error(training.loss):
        _check_needs_no_closed_form(forecaster, training.loss)
        linear_model = None
    return CheckedParameters(
        lookback=_read_lookback(forecaster.lookback, network),
        horizon=check_int("horizon", forecaster.horizon),
        has_yearly_season=check_choice("yearly_seasonality", forecaster.yearly_seasonality, ("auto", None)) == "auto",
        network=network,
        linear_model=linear_model,
        training=training,
        validation_fraction=check_real("validation_fraction", forecaster.validation_fraction, low=0, high=1),
        device=_read_device(forecaster.device),
        seed=int(read_random_state(forecaster.random_state).randint(2**31 - 1)),
        tell=find_teller(verbose),
        calendar=check_calendar(forecaster.calendar),
        replaces_outliers=check_choice("outliers", forecaster.outliers, ("auto", None)) == "auto",
        missing=check_choice("missing", forecaster.missing, MISSING),
    )


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
    network, needed = parameters.network, _rows_to_validate(parameters)
    chosen = {
        "lookback": parameters.lookback is None,
        "feature_mode": network is not None and is_auto(network.feature_mode),
    }
    for name, is_chosen in chosen.items():
        if is_chosen:
            rule = f"`{name}='auto'` is chosen on validation rows, and there are none: that takes a"
            rule += f" `validation_fraction` above 0 and at least {needed} rows; or give `{name}`."
            raise ValueError(received(rule, n_rows=n_rows, validation_fraction=parameters.validation_fraction))
    if parameters.validation_fraction > 0:
        said = "`X` is too short to hold validation rows back, so all epochs are run and none is chosen; "
        said += f"{needed} rows are enough, and validation_fraction=0 says that none held back is fine."
        told = received(said, n_rows=n_rows, lookback=parameters.lookback, horizon=parameters.horizon)
        warnings.warn(told, stacklevel=4)


def warn_of_short_lookback(parameters: CheckedParameters, seasons: Mapping[str, int], n_rows: int) -> None:
    """Say that a given lookback sees less than a season, where one could be seen.

    Parameters
    ----------
    parameters : CheckedParameters
        Of the forecaster.
    seasons : mapping of str to int
        Rows of a season by name, ascending.
    n_rows : int
        Of the longest series: a season that it doesn't hold twice is none to name, nor one longer than what
        ``lookback="auto"`` would choose.
    """
    bounds = (parameters.linear_model or LinearModel()).lookbacks
    most = min(bounds.longest_season, (n_rows - parameters.horizon) // 2)
    for name, season in list(seasons.items())[:1]:
        if parameters.lookback is not None and parameters.lookback < season <= most:
            said = (
                f"lookback={parameters.lookback} sees less than a {name} ({season} rows): lookback='auto' chooses one "
            )
            warnings.warn(f"{said}by its errors, lookback={season} sees a {name}.", stacklevel=4)


def warn_of_long_steps(parameters: CheckedParameters, freq: Any) -> None:
    """Say that holidays are looked up on one day of each step alone, where steps are longer.

    Parameters
    ----------
    parameters : CheckedParameters
        Of the forecaster.
    freq : offset, int or None
        The step of the index.
    """
    listed = [name for name in parameters.calendar or () if name.startswith("holidays:")]
    if listed and freq is not None and "weekday" not in find_calendar(freq, 1):
        said = "A step is longer than a day, and `calendar` tells whether the day that a row is named by is a holiday."
        said += " Count the holidays of each step in a column, and name it in `future_covariates`."
        warnings.warn(received(said, calendar=listed), stacklevel=4)


def _read_lookback(lookback: Any, network: TCN | None) -> int | None:
    """Return a lookback, None for "auto"; what has to fit one that is chosen must be left to choose, too."""
    if not is_auto(lookback):
        return check_int("lookback", lookback, auto=True)
    left = {"dilation_rates": ("auto",), "normalizer_span": ("auto", None), "n_stacks": (1,)}
    for name, choices in left.items() if network is not None else ():
        value = getattr(network, name)
        try:
            check_choice(name, value, choices)
        except ValueError:
            rule = f"With lookback='auto' `{name}` must be {choices[0]!r}; a `lookback` that is given leaves it free."
            raise ValueError(received(rule, **{name: value})) from None
    return None


def _rows_to_validate(parameters: CheckedParameters) -> int:
    """Count the rows without which none are held back."""
    lookback, horizon, fraction = parameters.lookback or 1, parameters.horizon, parameters.validation_fraction
    n_rows = max(lookback + 2 * horizon, int((lookback + horizon) / (1 - fraction)))
    while fraction > 0 and split_row(n_rows, lookback, horizon, fraction) is None:  # no more than rounding
        n_rows += 1
    return n_rows


def _check_needs_no_closed_form(forecaster: Any, loss: Any) -> None:
    """Complain if a linear model, solved for the least squared error, is asked for beside another loss."""
    if forecaster.network is None:
        rule = "`loss` is that of the network alone, which is None: the linear model has the least squared error."
        raise ValueError(received(f"{rule} Leave one of them out.", loss=loss, network=None))
    if not is_auto(forecaster.linear_model) and forecaster.linear_model is not None:
        rule = "`loss` must be 'mse' with a linear model, which has the least squared error; linear_model=None, or"
        rule += " 'auto', leaves forecasts to a network trained by another loss."
        raise ValueError(received(rule, loss=loss, linear_model=forecaster.linear_model))


def _read_device(device: Any) -> str:
    """Return the name of a device, which may not be there: that is for Keras to say."""
    if not isinstance(device, str) or not re.fullmatch(r"auto|(cpu|gpu|tpu)(:\d{1,4})?", device):
        rule = "`device` must be 'auto', 'cpu', 'gpu' or one of several, such as 'gpu:1'."
        raise (ValueError if isinstance(device, str) else TypeError)(received(rule, device=device))
    return str(device)
