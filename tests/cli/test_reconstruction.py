import json

import numpy as np
import pandas as pd
import pytest

from tscnn import Reconstructor
from tscnn.auditing import Audit, Finding
from tscnn.cli.commands import main


@pytest.fixture
def table(tmp_path):
    random = np.random.default_rng(0)
    times = pd.date_range("2026-01-01", periods=200, freq="h", name="time")
    slow = random.normal(size=200).cumsum()
    frame = pd.DataFrame({"a": slow, "b": 10 * slow + random.normal(size=200)}, times)
    frame.iloc[150, 0] += 25
    frame.iloc[50:55, 0] = np.nan
    frame.to_csv(tmp_path / "table.csv")
    return tmp_path / "table.csv"


def test_reconstructor_fills_a_table_and_finds_its_anomalies(table, tmp_path, capsys):
    model, out = tmp_path / "gaps.tscnn", tmp_path / "filled.csv"
    fit = ["--no-network", "--random-state", "0", "--save", str(model)]
    assert main(["impute", str(table), *fit, "--coverage", "0.9", "-o", str(out)]) == 0
    filled = pd.read_csv(out)
    assert filled.columns.tolist() == [
        "time",
        *(f"{name} {part}" for name in "ab" for part in ("value", "lower", "upper")),
    ]
    assert filled["time"].tolist() == pd.read_csv(table)["time"].tolist()
    assert filled.notna().all().all()
    assert main(["anomalies", str(table), "--model", str(model), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"time": "2026-01-07 06:00:00", "column": "a"}.items() <= max(found, key=lambda row: row["score"]).items()
    assert main(["anomalies", str(table), "--model", str(model), "--all"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 201


def test_a_fitted_model_takes_absent_rows_but_nothing_of_a_fit(table, tmp_path, capsys):
    model, absent, out = str(tmp_path / "m"), tmp_path / "absent.csv", tmp_path / "out.csv"
    assert main(["impute", str(table), "--no-network", "--save", model, "-o", str(out)]) == 0
    pd.read_csv(table).drop(index=20).to_csv(absent, index=False)
    assert main(["impute", str(absent), "--model", model]) == 1
    assert "`--freq h` takes absent rows" in capsys.readouterr().err
    assert main(["impute", str(absent), "--model", model, "--freq", "h", "-o", str(out)]) == 0
    assert pd.read_csv(out)["time"].tolist() == pd.read_csv(table)["time"].tolist()
    assert main(["impute", str(table), "--model", model, "--random-state", "0"]) == 1
    assert "must be left out. Received: given=['--random-state']" in capsys.readouterr().err


def test_a_forecaster_is_no_reconstructor(table, tmp_path, capsys):
    assert main(["fit", str(table), "--drop", "a", "--lookback", "4", "--no-network", "-o", str(tmp_path / "m")]) == 0
    assert main(["impute", str(table), "--model", str(tmp_path / "m")]) == 1
    assert "must hold a reconstructor" in capsys.readouterr().err


def test_audit_takes_a_reconstructor_too(table, tmp_path, capsys, monkeypatch):
    model = str(tmp_path / "gaps.tscnn")
    assert main(["impute", str(table), "--no-network", "--random-state", "0", "--save", model]) == 0
    capsys.readouterr()
    assert main(["audit", model, str(table), "--no-refit", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["passed"]
    assert found["findings"][0]["check"] == "known values stay, gaps are filled"
    assert len(found["findings"]) == 5
    failed = Audit((Finding("gaps are filled", False, 0.5, "half of them", "fill them"),))
    monkeypatch.setattr(Reconstructor, "audit", lambda *_, **__: failed)
    assert main(["audit", model, str(table)]) == 1
    assert capsys.readouterr().out.startswith("FAIL  gaps are filled")
    assert main(["audit", str(tmp_path / "missing"), str(table)]) == 1
    assert "no file of this name" in capsys.readouterr().err.lower()
