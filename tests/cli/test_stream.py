from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.cli.shell import shell
from tscnn import Forecaster
from tscnn.cli.following import Follower
from tscnn.cli.stream import read_value
from tscnn.cli.tables import Reading, read_table

pytestmark = pytest.mark.usefixtures("here")


def rows(folder: Path, start: int, stop: int) -> bytes:
    return b"".join((folder / "weather.csv").read_bytes().splitlines(keepends=True)[1 + start : 1 + stop])


def last(text: str) -> list[float]:
    return [float(cell) for cell in text.splitlines()[-1].split(",")[2:]]


def test_a_fresh_context_forecasts_once_it_is_complete(here: Path) -> None:
    done = shell("tscnn stream weather.tscnn", rows(here, 400, 430))
    lines = done.out.splitlines()
    assert lines[0] == "cutoff,time,JFK_temp,LGA_temp"
    assert len(lines) == 1 + 3 * (30 - 24 + 1)
    assert lines[-1].startswith("2013-01-19 03:00,2013-01-19 06:00,")
    frame = pd.read_csv(here / "weather.csv", index_col="time", parse_dates=["time"]).iloc[:430]
    np.testing.assert_allclose(last(done.out), Forecaster.load("weather.tscnn").predict(frame).iloc[-1], rtol=1e-6)


def test_too_few_rows_are_told(here: Path) -> None:
    done = shell("tscnn stream weather.tscnn", rows(here, 0, 9))
    assert (done.status, done.out) == (0, "")
    assert done.err == "tscnn stream: note: no forecast: 9 rows came, a fresh context takes 24\n"


def test_the_next_row_goes_on_from_the_training_data() -> None:
    row = b"2013-01-22 02:00,30,31\n"
    done = shell("tscnn stream weather.tscnn --coverage 0.9", row)
    assert len(done.out.splitlines()) == 4
    stream = Forecaster.load("weather.tscnn").stream(coverage=0.9)
    np.testing.assert_allclose(last(done.out), stream.update([30.0, 31.0]).iloc[-1])
    wrong = shell("tscnn stream weather.tscnn", row + b"2013-01-22 09:00,30,31\n")
    assert wrong.status == 1
    assert "The next row must be that of 2013-01-22 03:00:00" in wrong.err


@pytest.mark.parametrize(("encoding", "flag"), [("utf-16", ""), ("utf-16-be", " --encoding utf-16-be")])
def test_lines_of_two_bytes_a_character(encoding: str, flag: str) -> None:
    """Byte 10 is a line's end in UTF-8, in UTF-16 half of one, or of another character."""
    text = "time,JFK_temp,LGA_temp\n2013-01-22 02:00,30,31\n2013-01-22 03:00,31,32"
    done = shell(f"tscnn stream weather.tscnn{flag}", text.encode(encoding))
    assert done.out == shell("tscnn stream weather.tscnn", text.encode()).out
    assert len(done.out.splitlines()) == 1 + 2 * 3
    wrong = shell("tscnn stream weather.tscnn --encoding utf-16", text.encode("utf-16")[:41])
    assert (wrong.status, "must be in the encoding that `--encoding` names" in wrong.err) == (1, True)


def test_series_that_have_ended_need_no_rows(here: Path) -> None:
    days = pd.date_range("2026-01-01", periods=60, name="day")
    sales = pd.DataFrame({"sales": 10 + np.sin(np.arange(60.0) * 2 * np.pi / 7)}, days)
    shops = pd.concat([sales.assign(shop="a"), sales.assign(shop="b"), sales[:40].assign(shop="closed")])
    forecaster = Forecaster(lookback=7, horizon=2, network=None, outliers=None, series_id="shop", verbose=0)
    forecaster.fit(shops[shops.index < days[50]]).save(here / "shops.tscnn")
    lines = [f"{day:%Y-%m-%d},{shop},{value}" for day, value in sales["sales"][50:54].items() for shop in "ab"]
    state = "tscnn stream shops.tscnn --state shops.state"
    first, then = (shell(state, "\n".join(["day,shop,sales", *part]).encode()) for part in (lines[:6], lines[6:]))
    assert (first.status, then.status) == (0, 0)
    assert "series that ended in the training data are left out: ['closed']" in first.err
    found = pd.concat(pd.read_csv(io.StringIO(done.out), parse_dates=["cutoff"]) for done in (first, then))
    for cutoff, own in found.groupby("cutoff"):
        expected = forecaster.predict(shops[(shops.index <= cutoff) & (shops["shop"] != "closed")])
        np.testing.assert_allclose(own["sales"], expected["sales"], rtol=1e-5)
    assert found["cutoff"].nunique() == 4
    (here / "shops.state").unlink()
    wrong = shell(state, "\n".join(["day,shop,sales", *lines[:3], *lines[4:]]).encode())
    assert (wrong.status, "Rows of 2026-02-21 00:00:00 are missing" in wrong.err) == (1, True)


def test_json_lines() -> None:
    row = json.dumps({"time": "2013-01-22T02:00", "LGA_temp": 31, "JFK_temp": 30}).encode()
    done = shell("tscnn stream weather.tscnn", row + b"\n")
    found = [json.loads(line) for line in done.out.splitlines()]
    assert [list(one) for one in found] == [["cutoff", "time", "JFK_temp", "LGA_temp"]] * 3
    assert found[0]["cutoff"] == "2013-01-22T02:00"
    csv = shell("tscnn stream weather.tscnn", b"time;LGA_temp;JFK_temp\n22.1.2013 02:00;31;30,0\n").out
    assert csv.splitlines()[1].startswith("22.1.2013 02:00;22.1.2013 03:00;")
    assert shell("tscnn stream weather.tscnn", row + b"\nnothing\n").status == 1


@pytest.mark.parametrize(
    ("flag", "rows"),
    [
        ("", b"time;JFK_temp;LGA_temp\n22.1.2013 02:00;1.030,50;31\n22.1.2013 03:00;1.030;n/a\n"),
        ("", b"22.1.2013 02:00;1.030,50;31\n22.1.2013 03:00;1.030;\n"),
        (" --decimal ,", b"2013-01-22 02:00;1.030,50;31\n2013-01-22 03:00;1.030;NULL\n"),
        (" --decimal , --separator ,", b'2013-01-22 02:00,"1.030,50",31\n2013-01-22 03:00,1.030,#N/A\n'),
        ("", b"2013-01-22 02:00,1030.50,31\n2013-01-22 03:00,1030,<NA>\n"),
    ],
    ids=["told apart", "no line of names", "a flag", "in quotes", "points"],
)
def test_numbers_are_read_as_those_of_tables(monkeypatch: pytest.MonkeyPatch, flag: str, rows: bytes) -> None:
    seen: list[dict[str, object]] = []
    monkeypatch.setattr(Follower, "take", lambda *given: seen.append(given[-1]))
    done = shell(f"tscnn stream weather.tscnn{flag}", rows)
    assert done.status == 0, done.err
    values = [[row["JFK_temp"], row["LGA_temp"]] for row in seen]
    np.testing.assert_array_equal(values, [[1030.5, 31], [1030, np.nan]])


def test_every_field_is_what_it_is_in_a_table(tmp_path: Path) -> None:
    fields = [
        "",
        "-1.627,5",
        "1.627",
        "28,3",
        "1,5e3",
        "+5",
        "inf",
        "x",
        "True",
        "false",
        "N/A",
        "NULL",
        "#N/A",
        "<NA>",
    ]
    for field in [*fields, "n/a", "-nan", "1.#IND", "None", "NaN", "null"]:
        for decimal in ".,":
            (tmp_path / "row.csv").write_text(f"n;a;b\n1;{field};1\n")
            table = read_table(str(tmp_path / "row.csv"), Reading(separator=";", decimal=decimal))
            np.testing.assert_equal(read_value(field, decimal), table.frame["a"].tolist()[0])


@pytest.mark.parametrize("cuts", [[10, 25, 27], [24, 40]], ids=["in a fresh context", "after it"])
def test_a_state_goes_on_where_it_was(here: Path, cuts: list[int]) -> None:
    command = "tscnn stream weather.tscnn --coverage 0.8"
    whole = shell(command, rows(here, 0, 50)).out.splitlines()
    parts, begin = [], 0
    for end in [*cuts, 50]:
        done = shell(f"{command} --state now.state", rows(here, max(0, begin - 3), end))  # three rows once more
        assert done.status == 0, done.err
        assert ("3 rows that the state has seen were passed over" in done.err) == (begin > 0)
        parts += done.out.splitlines()[1:]
        begin = end
    assert parts == whole[1:]


def test_states_of_others_are_refused(here: Path) -> None:
    (here / "now.state").write_text("no state")
    done = shell("tscnn stream weather.tscnn --state now.state", rows(here, 0, 3))
    assert done.status == 1
    assert "must be one that `tscnn stream` wrote" in done.err
    assert (here / "now.state").read_text() == "no state"
    assert shell("tscnn stream weather.tscnn --state no/folder", b"").status == 1


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (b"2013-01-22 02:00,30\n", "A line must have 3 fields"),
        (b"soon,30,31\n", "`--time-format` tells how it is written"),
        (b"2013-01-22 02:00,30,warm\n", "warm"),
        (b'{"time": "2013-01-01", "JFK_temp": 30, "LGA_temp": 1%s}\n' % (b"0" * 400), "at most 64 bits"),
    ],
)
def test_rows_that_are_none(row: bytes, said: str) -> None:
    done = shell("tscnn stream weather.tscnn", row)
    assert (done.status, done.out) == (1, "")
    assert done.err.count("\n") == 1
    assert said in done.err


@pytest.mark.slow
def test_forecasts_come_row_by_row_and_a_kill_loses_none() -> None:
    command = [sys.executable, "-m", "tscnn", "stream", "weather.tscnn", "--state", "now.state"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"2013-01-22 02:00,30,31\n")
        process.stdin.flush()
        lines = [process.stdout.readline() for _ in range(4)]  # while standard input is open
        process.stdin.write(b"2013-01-22 03:00,30,31\n")
        process.stdin.flush()
        lines += [process.stdout.readline() for _ in range(3)]
        process.kill()
    assert lines[-1].startswith(b"2013-01-22 03:00,2013-01-22 06:00,")
    again = shell("tscnn stream weather.tscnn --state now.state", b"2013-01-22 03:00,30,31\n2013-01-22 04:00,30,31\n")
    whole = shell("tscnn stream weather.tscnn", b"".join(b"2013-01-22 0%d:00,30,31\n" % hour for hour in (2, 3, 4)))
    assert again.out.splitlines()[-3:] == whole.out.splitlines()[-3:]


def test_rows_that_are_numbered(here: Path) -> None:
    (here / "n.csv").write_text("n,a\n" + "".join(f"{at},{at % 7}.5\n" for at in range(100, 200)))
    (here / "a.csv").write_text("a\n" + "".join(f"{at % 7}.5\n" for at in range(100, 200)))
    assert shell("tscnn fit n.csv --time n --lookback 14 --no-network -o n.tscnn").status == 0
    assert shell("tscnn fit a.csv --lookback 14 --no-network -o a.tscnn").status == 0
    assert shell("tail -n 20 n.csv | tscnn stream n.tscnn").out.splitlines()[-1].startswith("199,200,")
    assert shell("tscnn stream n.tscnn", b"n,a\n200,4.5\n").out.splitlines()[-1].startswith("200,201,")
    assert shell("tail -n 20 a.csv | tscnn stream a.tscnn").out.splitlines()[-1].startswith("19,20,")
    assert "must be the number of the row, an integer. Received: n='x'" in shell("tscnn stream n.tscnn", b"x,4.5\n").err
    assert "`--start` must be comparable with the index" in shell("tscnn backtest n.tscnn n.csv --start soon").err


def test_absent_rows_are_missing_values(here: Path) -> None:
    fit = "tscnn fit weather.csv --lookback 24 --horizon 3 --missing mask --no-network -o mask.tscnn"
    assert shell(fit).status == 0
    given = rows(here, 400, 430).splitlines(keepends=True)
    lines = shell("tscnn stream mask.tscnn", b"".join([*given[:9], *given[11:26], *given[28:]])).out.splitlines()
    assert [line[:16] for line in lines[1::3]] == [line[:16].decode() for line in [*given[23:26], *given[28:]]]
    empty = b"".join(b"%s,,\n" % line[:16] if at in (9, 10, 26, 27) else line for at, line in enumerate(given))
    assert lines[-3:] == shell("tscnn stream mask.tscnn", empty).out.splitlines()[-3:]
    far = shell("tscnn stream mask.tscnn", b"".join([*given, *rows(here, 470, 496).splitlines(keepends=True)]))
    assert [line[:16] for line in far.out.splitlines()[-9::3]] == [
        "2013-01-21 19:00",
        "2013-01-21 20:00",
        "2013-01-21 21:00",
    ]


def test_a_state_that_is_cut_off_is_refused(here) -> None:
    np.savez(here / "cut.npz", told=np.zeros(999))
    (here / "cut.state").write_bytes((here / "cut.npz").read_bytes()[:500])
    done = shell("tail -n 2 weather.csv | tscnn stream weather.tscnn --state cut.state")
    assert done.status == 1
    assert "must be one that `tscnn stream` wrote" in done.err
