import io
import sys

import pytest

from tscnn.common.progress import is_watched, write_line


@pytest.mark.parametrize("state", ["none", "closed", "no descriptor"])
def test_any_state_of_standard_output_is_fine(monkeypatch, state):
    output = None if state == "none" else io.StringIO()
    if state == "closed":
        output.close()
    if state == "no descriptor":

        class Broken(io.StringIO):
            def flush(self):
                raise OSError

        output = Broken()
    monkeypatch.setattr(sys, "stdout", output)
    assert not is_watched()
    write_line("a line")
