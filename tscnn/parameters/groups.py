"""Parameters that are groups of settings, which may be given flat, too."""

from __future__ import annotations

from typing import Any, Self

from tscnn.common.checks import received, show
from tscnn.common.estimator import Estimator
from tscnn.common.settings import is_auto, name_alike
from tscnn.linear.settings import LinearModel
from tscnn.network.settings import TCN
from tscnn.training.settings import Training

__all__ = ["GROUPS", "GroupedParameters", "nest_settings", "resolve_group"]

GROUPS: dict[str, Any] = {"network": TCN, "linear_model": LinearModel, "training": Training}
ELSEWHERE = {"seed": "random_state", "past_covariates": "targets", "frequency": "freq"}  # names of other packages
PLAIN = (
    "lookback",
    "horizon",
    "targets",
    "future_covariates",
    "static_covariates",
    "series_id",
    "calendar",
    "outliers",
    "quantiles",
    "time",
    "freq",
    "yearly_seasonality",
    "missing",
    "validation_fraction",
    "random_state",
    "device",
    "verbose",
)


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
        By name: ``{"filters": 8}``, or ``{"network__filters": 8}``.

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
    known = {name: group().get_params() for name, group in GROUPS.items()}
    homes = {setting: name for name, own in known.items() for setting in own}
    changes: dict[str, dict[str, Any]] = {}
    for name, value in settings.items():
        group, _, rest = name.partition("__")
        home, setting = (group, rest) if group in GROUPS else (homes.get(name), name)
        if home is None or setting not in known[home]:
            alike = _name_nested(home, setting) or name_alike(
                ELSEWHERE.get(setting, setting), [*homes, *GROUPS, *PLAIN]
            )
            rule = f"Forecaster has no parameter {show(name)}, nor has one of its settings {', '.join(GROUPS)}{alike}"
            raise TypeError(received(rule, **{name: value}))
        changes.setdefault(home, {})[setting] = value
    nested = {}
    for name, own in changes.items():
        if groups[name] is None:
            raise TypeError(received(f"With {name}=None there is no setting {next(iter(own))!r}.", **own))
        nested[name] = resolve_group(name, groups[name]).set_params(**own)
    return nested


def _name_nested(home: str | None, setting: str) -> str:
    """Ask whether a setting of this name was meant that is one of a group within a group; empty if there is none."""
    for name in GROUPS if home is None else [home]:
        for nested in GROUPS[name]().get_params(deep=True):
            if nested.endswith(f"__{setting}"):
                return f"; did you mean '{name}__{nested}'?"
    return ""


class GroupedParameters(Estimator):
    """An estimator of which some parameters are groups of settings, those of `GROUPS`."""

    groups = GROUPS

    def _set_flat(self, settings: dict[str, Any]) -> None:
        """Set settings of the groups by their own names."""
        groups = {name: getattr(self, name) for name in GROUPS}
        for name, group in nest_settings(groups, settings).items():
            setattr(self, name, group)

    def set_params(self, **params: Any) -> Self:
        """Set parameters.

        Parameters
        ----------
        **params
            Of the constructor, settings of its groups (``filters=8``), or the same as ``network__filters=8``.

        Returns
        -------
        GroupedParameters
            Itself.

        Raises
        ------
        ValueError
            If there is no such parameter. Nothing is set, then.
        """
        known = self.get_params(deep=False)
        plain = {name: value for name, value in params.items() if name in known}
        groups = {name: plain.get(name, known[name]) for name in GROUPS}
        try:
            nested = nest_settings(groups, {name: value for name, value in params.items() if name not in known})
        except TypeError as error:
            raise ValueError(*error.args) from None  # what scikit-learn raises
        for name, value in {**plain, **nested}.items():
            setattr(self, name, value)
        return self
