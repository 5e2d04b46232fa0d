"""What a forecaster's parameters mean, and the errors where they mean nothing."""

from __future__ import annotations

import sys
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from tscnn.common.checks import check_choice, check_int, check_real, received
from tscnn.data.frame import Schema
from tscnn.network.backend import check_device, keras
from tscnn.network.config import NetworkConfig, resolve_config
from tscnn.statistics.gate import FEWEST_BLOCKS
from tscnn.training.loop import TrainingSettings

__all__ = [
    "check_needs_no_validation",
    "is_lookback_chosen",
    "list_candidates",
    "read_network_config",
    "read_training_settings",
]

SHORT_LOOKBACK = 64  # below it, a rolling normaliser has to show that it helps


def read_training_settings(parameters: Any) -> TrainingSettings:
    """Check every parameter that is not the network's.

    Parameters
    ----------
    parameters : Forecaster
        Or whatever has attributes of these names.

    Returns
    -------
    TrainingSettings
        With a seed drawn from `random_state`.

    Raises
    ------
    TypeError, ValueError
        Naming the parameter that breaks a rule.
    """
    check_choice("yearly_seasonality", parameters.yearly_seasonality, ("auto", None))
    check_choice("precision", parameters.precision, ("float32", "mixed_bfloat16"))
    epochs = parameters.epochs if parameters.epochs == "auto" else check_int("epochs", parameters.epochs)
    verbose = check_choice("verbose", parameters.verbose, ("auto", True, False, 0, 1, 2))
    try:
        keras.losses.get(parameters.loss)
    except (ValueError, TypeError):
        raise ValueError(received("`loss` must name a Keras loss or be a function.", loss=parameters.loss)) from None
    check_device(parameters.device)
    return TrainingSettings(
        training=check_choice("training", parameters.training, ("dense", "window")),
        loss=parameters.loss,
        epochs=epochs,
        batch_size=check_int("batch_size", parameters.batch_size),
        learning_rate=check_real("learning_rate", parameters.learning_rate, low=0, include_low=False),
        weight_decay=check_real("weight_decay", parameters.weight_decay, low=0),
        patience=check_int("patience", parameters.patience),
        callbacks=tuple(parameters.callbacks or ()),
        device=parameters.device,
        seed=int(check_random_state(parameters.random_state).randint(2**31 - 1)),
        verbose=sys.stdout.isatty() if verbose == "auto" else bool(verbose),
    )


def read_network_config(parameters: Any, schema: Schema, lookback: Any, **changes: Any) -> NetworkConfig:
    """Check every parameter of the network; what is chosen later stands in with a first choice.

    Parameters
    ----------
    parameters : Forecaster
        As above.
    schema : Schema
        Of the training frame.
    lookback : int
        That of the forecaster, or the one chosen.
    **changes
        `normalizer_span` or `linear_skip`, in place of the forecaster's.

    Returns
    -------
    NetworkConfig
        Of a network that can be built.

    Raises
    ------
    TypeError, ValueError
        Naming the parameter that breaks a rule.
    """
    linear_skip = check_choice("linear_skip", parameters.linear_skip, ("auto", "shared", "per_feature", None))
    return resolve_config(
        lookback,
        parameters.horizon,
        len(schema.columns),
        targets=_find_targets(parameters.targets, schema.columns),
        feature_mode="joint" if _is_auto(parameters.feature_mode) else parameters.feature_mode,
        filters=parameters.filters,
        kernel_size=parameters.kernel_size,
        dilation_rates=parameters.dilation_rates,
        n_stacks=parameters.n_stacks,
        activation=parameters.activation,
        normalization=parameters.normalization,
        dropout=parameters.dropout,
        **{
            "normalizer_span": parameters.normalizer_span,
            "linear_skip": "shared" if linear_skip == "auto" else linear_skip,
            **changes,
        },
    )


def _is_auto(value: Any) -> bool:
    return isinstance(value, str) and value == "auto"


def is_lookback_chosen(parameters: Any) -> bool:
    """Return whether the lookback is to be chosen; what has to fit it must be left to choose, too.

    Parameters
    ----------
    parameters : Forecaster
        As above.

    Returns
    -------
    bool
        Whether it is "auto".

    Raises
    ------
    ValueError
        If a parameter is given that fits one lookback only.
    """
    if not _is_auto(parameters.lookback):
        return False
    for name in ("dilation_rates", "normalizer_span"):
        value = getattr(parameters, name)
        if value is not None and not _is_auto(value):
            raise ValueError(received(f"With lookback='auto' `{name}` must be 'auto'.", **{name: value}))
    return True


def list_candidates(parameters: Any, schema: Schema, config: NetworkConfig, n_judged: int) -> list[NetworkConfig]:
    """List the networks to choose from on validation rows.

    Parameters
    ----------
    parameters : Forecaster
        As above.
    schema : Schema
        Of the training frame.
    config : NetworkConfig
        The first of them.
    n_judged : int
        Validation origins. There is no choice of normaliser without them, or of too few to trust convolutions beside a
        linear map.

    Returns
    -------
    list of NetworkConfig
        At least the first.
    """
    candidates = [config]
    automatic = _is_auto(parameters.normalizer_span) and _is_auto(parameters.dilation_rates)
    plain: dict[str, Any] = {"linear_skip": None} if _is_auto(parameters.linear_skip) else {}
    apart = max(config.horizon, config.lookback) if plain else config.horizon  # origins, to be independent
    n_needed = 1 if config.linear_maps is None else FEWEST_BLOCKS * apart
    if n_judged >= n_needed and automatic and 1 < config.lookback < SHORT_LOOKBACK:
        candidates.append(read_network_config(parameters, schema, config.lookback, normalizer_span=None, **plain))
    # One feature, or a past covariate, leaves no choice of mode.
    if _is_auto(parameters.feature_mode) and 1 < config.n_features == len(config.targets):
        candidates += [replace(candidate, feature_mode="independent") for candidate in candidates]
    return candidates


def check_needs_no_validation(parameters: Any, n_rows: int) -> None:
    """Complain if nothing can be held back to choose on.

    Parameters
    ----------
    parameters : Forecaster
        As above.
    n_rows : int
        Of the training frame.

    Raises
    ------
    ValueError
        If something is to be chosen; else there is a warning.
    """
    for name in ("lookback", "feature_mode"):
        if _is_auto(getattr(parameters, name)):
            rule = f"`{name}='auto'` is chosen on validation rows, and there are none."
            raise ValueError(received(rule, n_rows=n_rows, validation_fraction=parameters.validation_fraction))
    if parameters.validation_fraction > 0:
        said = "`X` is too short to hold validation rows back, so all epochs are run and none is chosen; "
        said += "validation_fraction=0 says that this is fine."
        warnings.warn(
            received(said, n_rows=n_rows, lookback=parameters.lookback, horizon=parameters.horizon), stacklevel=3
        )


def _find_targets(targets: Any, columns: pd.Index) -> list[int] | None:
    if targets is None:
        return None
    names = list(targets) if isinstance(targets, list | tuple | pd.Index | np.ndarray) else [targets]
    unknown = [name for name in names if name not in columns]
    if unknown or not names or len(set(names)) < len(names):
        rule = f"`targets` must name distinct columns of `X`, {list(columns)}."
        raise ValueError(received(rule, targets=targets))
    return [int(position) for position in columns.get_indexer(names)]
