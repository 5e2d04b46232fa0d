"""Work in another process."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

__all__ = ["call_afresh"]

Result = TypeVar("Result")

_CALL = """
import pickle, pathlib, sys
call, result = map(pathlib.Path, sys.argv[1:])
function, arguments, named = pickle.loads(call.read_bytes())
try:
    found = function(*arguments, **named), None
except (TypeError, ValueError) as error:
    found = None, error
result.write_bytes(pickle.dumps(found))
"""


def call_afresh(function: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
    """Call a function in a process that is started, not forked, and that also a worker of a pool may start.

    Parameters
    ----------
    function : callable
        Of a module.
    *arguments, **named
        What pickle takes.

    Returns
    -------
    object
        What it returns.

    Raises
    ------
    TypeError, ValueError
        What it raises.
    CalledProcessError
        If the process ends otherwise.
    AttributeError, pickle.PicklingError
        If pickle doesn't take the arguments.

    Examples
    --------
    >>> call_afresh(divmod, 7, 2)
    (3, 1)
    """
    with TemporaryDirectory() as folder:
        call, result = Path(folder, "call"), Path(folder, "result")
        call.write_bytes(pickle.dumps((function, arguments, named)))
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        subprocess.run([sys.executable, "-c", _CALL, call, result], env=environment, check=True)
        returned, error = pickle.loads(result.read_bytes())
    if error is not None:
        raise error
    return returned
