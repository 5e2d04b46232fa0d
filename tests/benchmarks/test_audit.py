"""Models are audited from outside; a package that isn't installed is named."""

import json

from benchmarks import audit


def test_ours_passes_and_others_are_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(audit.importlib.util, "find_spec", lambda name: name == "tscnn" or None)
    out = tmp_path / "found.json"
    audit.main(["--rows", "1000", "--only", "tscnn", "darts TCN", "--out", str(out)])
    results = json.loads(out.read_text())["results"]
    assert list(results) == ["tscnn"]
    assert "fail" not in results["tscnn"].values()
    assert "darts is not installed; `python -m pip install darts`" in capsys.readouterr().out
