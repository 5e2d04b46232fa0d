from __future__ import annotations

import json

import pytest

from tests.cli.shell import shell
from tscnn import Forecaster
from tscnn.auditing import Audit, Finding

pytestmark = pytest.mark.usefixtures("here")


def test_lines_and_json() -> None:
    done = shell("tscnn audit weather.tscnn weather.csv --no-refit")
    assert done.status == 0
    assert ", 0 failed," in done.out.splitlines()[-1]
    found = json.loads(shell("tscnn audit weather.tscnn weather.csv --no-refit --json").out)
    assert found["passed"]
    assert {line["result"] for line in found["findings"]} == {"pass", "not applicable"}


def test_a_check_that_fails_is_status_1(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = Audit((Finding("rain follows clouds", False, 0.5, "on 5 of 10 days", "look up"),))
    monkeypatch.setattr(Forecaster, "audit", lambda *_, **__: failed)
    done = shell("tscnn audit weather.tscnn weather.csv")
    assert done.status == 1
    assert done.out.startswith("FAIL  rain follows clouds")
