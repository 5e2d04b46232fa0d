"""What scikit-learn asks of an estimator, without importing it: that takes longer than loading and forecasting."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar, Self

from tscnn.common.checks import received, show
from tscnn.common.lazy import after_import
from tscnn.common.settings import Settings, is_auto, name_alike

__all__ = ["Estimator", "check_is_fitted"]


class _Base:
    """What `Estimator` inherits from until scikit-learn is imported: Python can't exchange ``object`` itself."""


class Estimator(_Base):
    """An estimator of scikit-learn: parameters are the arguments of its constructor, kept as they are given.

    Once ``sklearn.base`` is imported, by whomever, it inherits from its ``BaseEstimator``.
    """

    # Parameters that are groups of settings, "auto" being their defaults.
    groups: ClassVar[dict[str, type[Settings]]] = {}

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        """Return the default of each parameter, by name."""
        arguments = list(inspect.signature(cls.__init__).parameters.values())[1:]
        return {one.name: one.default for one in arguments if one.kind is not one.VAR_KEYWORD}

    def _group(self, name: str, value: Any) -> Any:
        """Return a group of settings, for "auto" that of all defaults."""
        return self.groups[name]() if name in self.groups and is_auto(value) else value

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters.

        Parameters
        ----------
        deep : bool, default True
            Whether also those of groups of settings, as ``training__epochs``.

        Returns
        -------
        dict
            By name.
        """
        parameters = {name: getattr(self, name) for name in sorted(self._defaults())}
        for name in self.groups if deep else ():
            group = self._group(name, parameters[name])
            if isinstance(group, Settings):  # not so None
                parameters |= {f"{name}__{setting}": value for setting, value in group.get_params().items()}
        return parameters

    def set_params(self, **params: Any) -> Self:
        """Set parameters.

        Parameters
        ----------
        **params
            Of the constructor, or of one of its groups of settings, as ``training__epochs``.

        Returns
        -------
        Estimator
            Itself.

        Raises
        ------
        ValueError
            If there is no such parameter. Nothing is set, then.
        """
        changed = {name: getattr(self, name) for name in self._defaults()}
        for name, value in sorted(params.items()):  # a group comes before its settings
            group, _, setting = name.partition("__")
            if setting and group in self.groups and changed[group] is None:
                raise ValueError(received(f"With {group}=None there is no setting {setting!r}.", **{name: value}))
            old = self._group(group, changed.get(group))
            if group not in changed or (setting and not isinstance(old, Settings)):
                rule = f"{type(self).__name__} has no parameter {show(name)}{name_alike(name, changed)}"
                raise ValueError(received(rule, **{name: value}))
            changed[group] = old.set_params(**{setting: value}) if setting else value
        for name, value in changed.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        """Show the parameters that differ from their defaults."""
        defaults, changed = self._defaults(), []
        for name, default in defaults.items():
            value = getattr(self, name)
            if value is not default and repr(value) != repr(default):
                changed.append(f"{name}={show(value)}")
        return f"{type(self).__name__}({', '.join(changed)})"

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn what `fit` takes.

        Returns
        -------
        Tags
            Of an estimator that needs no `y`.
        """
        from sklearn.utils import Tags, TargetTags  # it asks, so it is there

        return Tags(estimator_type=None, target_tags=TargetTags(required=False))


def _inherit() -> None:
    from sklearn.base import BaseEstimator

    Estimator.__bases__ = (BaseEstimator,)


after_import("sklearn.base", _inherit)


def check_is_fitted(estimator: object, attribute: str) -> None:
    """Refuse what isn't fitted.

    Parameters
    ----------
    estimator : object
        Of a class with `fit`.
    attribute : str
        Which `fit` sets.

    Raises
    ------
    NotFittedError
        Of scikit-learn, if it isn't there.
    """
    if not hasattr(estimator, attribute):
        from sklearn.utils import validation

        validation.check_is_fitted(estimator, attribute)
