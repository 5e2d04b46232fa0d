"""Groups of settings: frozen, and searched by scikit-learn as ``network__filters``."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import fields, replace
from typing import Any, ClassVar, Self

from tscnn.common.checks import MOST_INT, check_choice, check_int, check_ints, check_real, received, show

__all__ = ["Settings", "is_auto", "name_alike"]


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


def name_alike(name: Any, known: Collection[str]) -> str:
    """Ask whether another name was meant, where one is alike.

    Parameters
    ----------
    name : str
        That is not known.
    known : collection of str
        Those that are.

    Returns
    -------
    str
        To be put into an error, empty if none is alike.

    Examples
    --------
    >>> name_alike("filtres", ["filters", "epochs"])
    "; did you mean 'filters'?"
    """
    alike = difflib.get_close_matches(str(name)[:60], known, n=1)
    return f"; did you mean {alike[0]!r}?" if alike else "."


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

    may_be_zero: ClassVar[tuple[str, ...]] = ()  # settings that count something which need not be there
    may_not_be_empty: ClassVar[tuple[str, ...]] = ()  # settings to choose from
    bounds: ClassVar[dict[str, int]] = {}  # that integers may reach, and other numbers may not

    def __new__(cls, *_: Any, **settings: Any) -> Self:
        """Complain of a setting that there is none of, with the name that may be meant."""
        known = [field.name for field in fields(cls)]  # type: ignore[arg-type]
        for name, value in settings.items():
            if name not in known:
                raise TypeError(cls._unknown(name, value, known))
        return super().__new__(cls)

    @classmethod
    def _unknown(cls, name: str, value: Any, known: Collection[str]) -> str:
        return received(f"{cls.__name__} has no setting {show(name)}{name_alike(name, known)}", **{name: value})

    def check_kinds(self) -> None:
        """Hold every setting whose default is a number, a flag, numbers or a group to that kind.

        Raises
        ------
        TypeError, ValueError
            Naming the setting: an int must be at least 1, a float 0.
        """
        for field in fields(self):  # type: ignore[arg-type]
            name, value, bound = field.name, getattr(self, field.name), self.bounds.get(field.name)
            default = field.default_factory() if callable(field.default_factory) else field.default
            if isinstance(default, bool):
                check_choice(name, value, (True, False))
            elif isinstance(default, int):
                check_int(name, value, minimum=0 if name in self.may_be_zero else 1, most=bound or MOST_INT)
            elif isinstance(default, float):
                check_real(name, value, low=0, high=bound or float("inf"))
            elif isinstance(default, tuple):
                _check_numbers(name, value, default, name in self.may_not_be_empty)
            elif isinstance(default, Settings) and not isinstance(value, type(default)):
                raise TypeError(received(f"`{name}` must be {type(default).__name__}(...).", **{name: value}))

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
                raise ValueError(self._unknown(name, value, known))
            nested.setdefault(group, {})[setting] = value
        inner = {group: plain.get(group, known[group]).set_params(**own) for group, own in nested.items()}
        return replace(self, **plain, **inner)  # type: ignore[type-var]


def _check_numbers(name: str, values: Any, default: tuple[float, ...], some: bool) -> None:
    """Complain about what is no tuple or list of integers or numbers, as the default is; infinity is a number."""
    if not isinstance(values, tuple | list) or (some and not values):
        rule = f"`{name}` must be a tuple of {'some ' if some else ''}numbers, such as {default}."
        raise TypeError(received(rule, **{name: values}))
    if all(isinstance(value, int) for value in default):
        check_ints(name, values)
        return
    for i, value in enumerate(values):
        if not (isinstance(value, float) and value == float("inf")):
            check_real(f"{name}[{i}]", value, low=0)
