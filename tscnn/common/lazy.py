"""Packages whose names are imported when they are first used, and what follows the import of another package."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.abc import MetaPathFinder
from typing import Any

__all__ = ["after_import", "lazy_names"]


def lazy_names(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make what a package's ``__init__`` calls ``__getattr__`` and ``__dir__`` (PEP 562).

    Parameters
    ----------
    package : str
        Its name.
    homes : mapping of str to str
        The module that each name is imported from; one of that very name in the package is the value itself.

    Returns
    -------
    __getattr__, __dir__ : callable
        For the package.
    """

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = import_module(homes[name])
        value = module if homes[name] == f"{package}.{name}" else getattr(module, name)
        setattr(sys.modules[package], name, value)
        return value

    def list_names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return get, list_names


def after_import(package: str, function: Callable[[], object]) -> None:
    """Call a function once a package has been imported, by whomever: at once, where it has been.

    Parameters
    ----------
    package : str
        Its name.
    function : callable
        () -> what is ignored.
    """
    if package in sys.modules:
        function()
    else:
        sys.meta_path.insert(0, _Once(package, function))


class _Once(MetaPathFinder):
    """Have the loader that the other finders find for a package call a function in the end."""

    def __init__(self, package: str, function: Callable[[], object]) -> None:
        self.package = package
        self.function = function

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        """Find the package as if this were not there."""
        if fullname != self.package:
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        found = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: Any) -> None:
                execute(module)
                sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not self]
                self.function()

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
