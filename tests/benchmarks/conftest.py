"""A file that benchmarks read, and contestants that do little, without a process of their own."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.contestants import CONTESTANTS
from benchmarks.contestants.__main__ import main
from benchmarks.contestants.launch import Launcher


@pytest.fixture
def csv(tmp_path) -> str:
    """A small file of two columns."""
    times = pd.date_range("2026-01-01", periods=400, freq="h")
    waves = np.sin(np.arange(400)[:, None] * 2 * np.pi / 24 + np.arange(2))
    noise = 0.1 * np.random.default_rng(0).standard_normal(waves.shape)
    path = tmp_path / "waves.csv"
    pd.DataFrame(waves + noise, index=times, columns=["a", "b"]).to_csv(path)
    return str(path)


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let those named run here, on few rows: a process of its own loads TensorFlow for many seconds."""
    apart = Launcher.run

    def let(*names: str, but: str = "") -> None:
        """Let all that these contestants do be done here, but one measure."""

        def run(launcher: Launcher, name: str, task: dict) -> dict:
            if name not in names or task["measure"] == but:
                return apart(launcher, name, task)
            files = [Path(launcher.folder.name) / file for file in ("task.json", "answer.json")]
            files[0].write_text(json.dumps({**task, "contestant": name, "started": time.time()}))
            monkeypatch.setattr("sys.argv", ["contestants", *map(str, files)])
            main()
            return json.loads(files[1].read_text())

        for name in names:
            small = {"train_batches": 1, "epochs": 2, "backtest_origins": 64}
            monkeypatch.setitem(CONTESTANTS, name, CONTESTANTS[name]._replace(**small))
        monkeypatch.setattr(Launcher, "run", run)

    return let
