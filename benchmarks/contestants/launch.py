"""Start a contestant's process with the interpreter that has it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contestants import CONTESTANTS

__all__ = ["Launcher", "parse_interpreters"]

ROOT = Path(__file__).parents[2]
FIND = "import importlib.metadata, sys; importlib.metadata.version(sys.argv[1])"


def parse_interpreters(given: Sequence[str]) -> dict[str, str]:
    """Read ``NAME=INTERPRETER`` arguments."""
    interpreters = {}
    for text in given:
        name, _, interpreter = text.partition("=")
        if name not in CONTESTANTS or not interpreter:
            raise SystemExit(f"--python takes NAME=INTERPRETER, NAME one of {list(CONTESTANTS)}. Received: {text!r}.")
        interpreters[name] = interpreter
    return interpreters


class Launcher:
    """Runs tasks one after the other, each in a process of its own that has `threads` threads and `limit` seconds."""

    def __init__(self, interpreters: Mapping[str, str], threads: int, limit: float) -> None:
        self.interpreters, self.limit = interpreters, limit
        self.folder = tempfile.TemporaryDirectory()
        count = str(threads)
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "-1",
            "KERAS_BACKEND": "tensorflow",
            "OMP_NUM_THREADS": count,
            "MKL_NUM_THREADS": count,
            "OPENBLAS_NUM_THREADS": count,
            "TF_NUM_INTRAOP_THREADS": count,
            "TF_NUM_INTEROP_THREADS": count,
        }

    def close(self) -> None:
        """Remove the files."""
        self.folder.cleanup()

    def is_installed(self, name: str) -> bool:
        """Ask the contestant's interpreter whether it has the package."""
        command = [self._interpreter(name), "-c", FIND, CONTESTANTS[name].distribution]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def save(self, values: np.ndarray, name: str) -> str:
        """Put an array where the processes find it."""
        path = Path(self.folder.name) / f"{name}.npy"
        np.save(path, values)
        return str(path)

    def run(self, name: str, task: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``{"measures": .., "versions": ..}``, or ``{"error": ..}``."""
        task_file, answer_file = Path(self.folder.name) / "task.json", Path(self.folder.name) / "answer.json"
        answer_file.unlink(missing_ok=True)
        command = [self._interpreter(name), "-m", "benchmarks.contestants", str(task_file), str(answer_file)]
        task_file.write_text(json.dumps({**task, "contestant": name, "started": time.time()}))
        try:
            done = subprocess.run(
                command,
                env=self.environment,
                cwd=self.folder.name,  # some leave files where they run
                capture_output=True,
                text=True,
                timeout=self.limit,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return {"error": f"not done in {self.limit:.0f} s"}
        if done.returncode or not answer_file.is_file():
            lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
            return {"error": lines[-1][:200]}
        return dict(json.loads(answer_file.read_text()))

    def _interpreter(self, name: str) -> str:
        return self.interpreters.get(name, sys.executable)
