"""What an audit found prints well and can be read on."""

import numpy as np

from tscnn.auditing import Audit, Finding

FINDINGS = (
    Finding("a", True, 0.0, "nothing", "leave it"),
    Finding("bb", False, 2.0, "two " * 40, "mend it"),
    Finding("c", None, np.nan, "no series"),
)


def test_only_what_fails_fails():
    assert Audit((FINDINGS[0], FINDINGS[2])).passed
    assert not Audit(FINDINGS).passed


def test_lines_are_a_frame():
    frame = Audit(FINDINGS).frame
    assert frame.index.tolist() == ["a", "bb", "c"]
    assert frame["result"].tolist() == ["pass", "fail", "not applicable"]
    assert frame["figure"].tolist()[:2] == [0.0, 2.0]
    assert frame["advice"].tolist() == ["", "mend it", ""]


def test_advice_is_printed_below_what_fails_alone():
    lines = str(Audit(FINDINGS)).splitlines()
    assert lines[0] == "pass  a   nothing"
    assert lines[1].startswith("FAIL  bb  two two")
    assert lines[-3].strip() == "-> mend it"
    assert lines[-2] == "n/a   c   no series"
    assert lines[-1] == "1 passed, 1 failed, 1 not applicable"
    assert max(map(len, lines)) <= 120
