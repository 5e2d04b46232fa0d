"""The networks to choose from on validation rows, and the check of their settings."""

from __future__ import annotations

from dataclasses import replace

from tscnn.common.checks import check_choice
from tscnn.common.settings import is_auto
from tscnn.common.term import Term
from tscnn.data.schema import Schema
from tscnn.data.series import SeriesSet
from tscnn.data.split import Split
from tscnn.linear import OWN_COLUMN_TERMS, LinearFit, LinearModel
from tscnn.linear.periodic_regression import PeriodicRegression
from tscnn.linear.structural_mixture import StructuralMixture
from tscnn.network.config import FEATURE_MODES, NetworkConfig, resolve_config
from tscnn.network.settings import TCN
from tscnn.parameters import CheckedParameters
from tscnn.training.loss import check_loss, is_squared_error

__all__ = ["check_network", "list_candidates", "resolve_network", "why_no_network"]

MOST_BESIDE = 2**28  # forecasts of a periodic regression that a network is trained beside, 1 GB: a convention


def check_network(network: TCN, parameters: CheckedParameters, schema: Schema) -> None:
    """Check device, loss and the network's settings, before anything is fitted.

    Parameters
    ----------
    network : TCN
        The settings.
    parameters : CheckedParameters
        Of the forecaster.
    schema : Schema
        For the columns and the targets.

    Raises
    ------
    TypeError, ValueError
        Naming the setting that breaks a rule.
    """
    if parameters.device != "auto":  # which needs no look at devices, and no Keras
        from tscnn.network.backend import check_device

        check_device(parameters.device)
    if not is_squared_error(parameters.training.loss):
        check_loss(parameters.training.loss, len(schema.targets))
    longest = parameters.linear_model or LinearModel()
    resolve_network(network, parameters, schema, parameters.lookback or longest.lookbacks.longest)


def resolve_network(
    network: TCN, parameters: CheckedParameters, schema: Schema, lookback: int, **changes: object
) -> NetworkConfig:
    """Check the settings of the network; what is chosen later stands in with a first choice.

    Parameters
    ----------
    network : TCN
        The settings.
    parameters : CheckedParameters
        Of the forecaster.
    schema : Schema
        For the columns and the targets.
    lookback : int
        Given, or chosen.
    **changes
        Settings in place of the forecaster's.

    Returns
    -------
    NetworkConfig
        Of a network that can be built.

    Raises
    ------
    TypeError, ValueError
        Naming the setting that breaks a rule.
    """
    settings = {**network.get_params(deep=False), **changes}
    check_choice("feature_mode", settings["feature_mode"], (*FEATURE_MODES, "auto"))
    if is_auto(settings["feature_mode"]):
        settings["feature_mode"] = "joint"
    n_features = len(schema.features)
    return resolve_config(
        lookback, parameters.horizon, n_features, targets=schema.target_features, linear_skip=None, **settings
    )


def why_no_network(
    rows: SeriesSet, split: Split, schema: Schema, parameters: CheckedParameters, linear: LinearFit | None
) -> str:
    """Say why a network can't count beside linear terms: it isn't trained then, and Keras isn't imported.

    Parameters
    ----------
    rows : SeriesSet
        In the units of the terms.
    split : Split
        Of their series.
    schema : Schema
        For the number of targets.
    parameters : CheckedParameters
        Of the forecaster.
    linear : LinearFit or None
        The linear terms; None without.

    Returns
    -------
    str
        Empty where it can.
    """
    terms = linear.fitted if linear is not None else ()
    if any(isinstance(term, StructuralMixture) for term in terms):
        return "structural models forecast series this short"
    n_values = len(rows.values) * parameters.horizon * len(schema.target_features)
    if n_values > MOST_BESIDE and any(isinstance(term, PeriodicRegression) for term in terms):
        return "too many rows beside future covariates"
    if linear is None or parameters.linear_model is None or not split.has_validation:
        return ""
    n_judged = sum(map(len, split.validation(linear.lookback, parameters.horizon)))
    fewest = parameters.training.fewest_blocks
    enough = n_judged == 0 or n_judged >= fewest * parameters.horizon
    return "" if enough else f"validation rows hold fewer than {fewest} independent blocks"


def list_candidates(
    network: TCN, parameters: CheckedParameters, schema: Schema, split: Split, lookback: int, linear: LinearFit | None
) -> list[tuple[NetworkConfig, tuple[Term, ...]]]:
    """List the networks to choose from on validation rows.

    A mean of few rows follows the very values that it is to take the level of: below a lookback of `short_lookback` a
    network without rolling normaliser competes, and without linear terms unless these were asked for.

    Parameters
    ----------
    network : TCN
        The settings.
    parameters : CheckedParameters
        Of the forecaster.
    schema : Schema
        Of the training frame.
    split : Split
        Of the series. There is no choice without validation origins, or with too few to tell.
    lookback : int
        Given, or chosen.
    linear : LinearFit or None
        The linear terms; None without.

    Returns
    -------
    list of (NetworkConfig, tuple of Term)
        At least one; and the linear terms that it is trained beside.
    """
    if parameters.lookback is None:  # a choice that no kernel may spoil
        network = network.set_params(kernel_size=min(network.kernel_size, max(2, lookback)))
    has_linear = linear is not None and parameters.linear_model is not None
    terms: tuple[Term, ...] = linear.fitted if linear is not None and has_linear else ()
    first = resolve_network(network, parameters, schema, lookback)
    candidates = [(replace(first, add_level=first.normalizer_span > 1 and not has_linear), terms)]
    automatic = is_auto(network.normalizer_span) and is_auto(network.dilation_rates)
    keeps_linear = has_linear and parameters.linear_model is not None and parameters.linear_model.maps != "auto"
    apart = parameters.horizon if keeps_linear else max(parameters.horizon, lookback)  # origins, to be independent
    n_needed = parameters.training.fewest_blocks * apart if has_linear else 1
    n_judged = sum(map(len, split.validation(lookback, parameters.horizon))) if split.has_validation else 0
    if n_judged >= n_needed and automatic and 1 < lookback < parameters.training.short_lookback:
        plain = resolve_network(network, parameters, schema, lookback, normalizer_span=None)
        candidates.append((replace(plain, add_level=False), terms if keeps_linear else ()))
    # One feature, or a past covariate, leaves no choice of mode.
    if is_auto(network.feature_mode) and 1 < first.n_features == len(first.targets):
        alone = tuple(term for term in terms if isinstance(term, OWN_COLUMN_TERMS))
        candidates += [
            (replace(config, feature_mode="independent"), alone if own else ()) for config, own in candidates
        ]
    return candidates
