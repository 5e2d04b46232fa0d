"""Groups of settings: frozen, and searched by scikit-learn as ``network__filters``."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, Self

from tscnn.common.checks import received

__all__ = ["Settings"]


class Settings:
    """What a frozen dataclass of settings inherits: reading them all, and a copy with some of them changed.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Stack(Settings):
    ...     filters: int = 32
    >>> Stack().set_params(filters=8).get_params()
    {'filters': 8}
    """

    def __sklearn_clone__(self) -> Self:
        """Let clones share settings, which don't change, with the callbacks in them, which can't all be copied."""
        return self

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the settings.

        Parameters
        ----------
        deep : bool, default True
            Whether also those of groups within, as ``mixture__n_folds``.

        Returns
        -------
        dict
            By name.
        """
        found = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        for name, value in list(found.items()) if deep else ():
            if isinstance(value, Settings):
                found |= {f"{name}__{setting}": own for setting, own in value.get_params().items()}
        return found

    def set_params(self, **changes: Any) -> Self:
        """Return a copy with other settings.

        Parameters
        ----------
        **changes
            By name.

        Returns
        -------
        Settings
            Of the same class; this one stays as it is.

        Raises
        ------
        ValueError
            If there is no setting of such a name.
        """
        known = self.get_params(deep=False)
        plain = {name: value for name, value in changes.items() if name in known}
        nested: dict[str, dict[str, Any]] = {}
        for name, value in changes.items():
            if name in known:
                continue
            group, _, setting = name.partition("__")
            if not setting or not isinstance(known.get(group), Settings):
                rule = f"{type(self).__name__} has no setting {name!r}; it has {', '.join(known)}."
                raise ValueError(received(rule, **{name: value}))
            nested.setdefault(group, {})[setting] = value
        inner = {group: plain.get(group, known[group]).set_params(**own) for group, own in nested.items()}
        return replace(self, **plain, **inner)  # type: ignore[type-var]
