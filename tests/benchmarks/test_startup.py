"""Starts of processes are measured; no figure is judged here."""

import json

import pytest

from benchmarks import startup


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`callbacks` can't be saved:UserWarning")
def test_startup_prints_a_line_a_model_and_writes_json(csv, tmp_path, capsys, in_this_process):
    in_this_process("tscnn default", but="start")
    out = tmp_path / "startup.json"
    startup.main(["--contestants", "tscnn default", "--rounds", "1", "--data", csv, "--out", str(out)])
    assert "From the start of a process to a forecast of 24 steps" in capsys.readouterr().out
    (record,) = json.loads(out.read_text())["results"]
    assert set(record["measures"]) == {"saved_mb", "start_s", "start_peak_mb"}
    assert all(figure > 0 for figure in record["measures"].values())
