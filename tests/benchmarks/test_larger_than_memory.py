"""A fit on files is measured; no figure is judged here."""

import pytest

from benchmarks import larger_than_memory

pytest.importorskip("pyarrow")


@pytest.mark.slow
def test_a_fit_on_files_prints_seconds_and_peak(capsys):
    larger_than_memory.main(["--rows", "20000", "--columns", "2", "--no-network"])
    said = capsys.readouterr().out
    assert said.startswith("20,000 rows x 2 columns, float32")
    assert "peak of the process" in said
