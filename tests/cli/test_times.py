import pandas as pd
import pytest

from tscnn.cli.times import TimeFormat


@pytest.mark.parametrize(
    "texts",
    [
        ["2026-03-28", "2026-03-29"],
        ["2026-03-28 05:00", "2026-03-28 06:00"],
        ["2026-03-28T05:00:00Z", "2026-03-28T06:00:00Z"],
        ["2026-03-28 05:00:00+02:00", "2026-03-28 06:00:00+02:00"],
        ["2026-03-28T05:00:00-0500", "2026-03-28T06:00:00-0500"],
        ["2026-03-28 05:00:00.250", "2026-03-28 05:00:00.500"],
        ["2026-03-28 05:00:00.250125", "2026-03-28 05:00:00.500000"],
        ["28.03.2026 05:00", "28.03.2026 06:00"],
        ["1.4.2026", "2.4.2026"],
        ["3/28/2026 9:00", "3/28/2026 10:00"],
        ["3/28/2026 9:00 AM", "3/28/2026 10:00 PM"],
        ["28/03/2026", "29/03/2026"],
        ["2026/03/28 05:00", "2026/03/28 06:00"],
        ["20260328", "20260329"],
        ["2026-03", "2026-04"],
    ],
)
def test_times_are_written_as_they_came(texts: list[str]) -> None:
    form = TimeFormat.find(texts)
    assert form is not None
    read = form.read(texts)
    assert read[0] < read[1]
    assert read[0].year == 2026
    assert form.write(read) == texts


@pytest.mark.parametrize("texts", [[], ["a", "b"], ["12", "13"], ["1.5"], ["2026-03-28", "b"], ["2026-13-28"]])
def test_what_is_no_time(texts: list[str]) -> None:
    assert TimeFormat.find(texts) is None


def test_eight_digits_are_a_date_where_the_column_says_so() -> None:
    assert TimeFormat.find(["20260328"], compact=False) is None


def test_days_that_could_be_months_are_asked_for() -> None:
    with pytest.raises(ValueError, match=r"`--time-format '%d/%m/%Y'` or `--time-format '%m/%d/%Y'` does"):
        TimeFormat.find(["01/02/2026", "01/03/2026"])


def test_offsets_that_change_have_utc_in_common() -> None:
    texts = ["2026-03-29 01:00+01:00", "2026-03-29 03:00+02:00"]
    form = TimeFormat.find(texts)
    assert form is not None
    read = form.read(texts)
    assert str(read.tz) == "UTC"
    assert form.write(read) == ["2026-03-29 00:00+00:00", "2026-03-29 01:00+00:00"]


def test_an_error_names_the_time() -> None:
    with pytest.raises(ValueError, match=r"--time-format.*time='soon'"):
        TimeFormat("%Y-%m-%d").read(["2026-03-28", "soon"])


def test_a_format_of_ones_own() -> None:
    form = TimeFormat("%d %b %Y")
    assert form.read(["28 Mar 2026"])[0] == pd.Timestamp("2026-03-28")
    assert form.write(pd.DatetimeIndex(["2026-04-01"])) == ["01 Apr 2026"]


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
@pytest.mark.parametrize("pattern", ["%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"])
def test_times_are_written_as_pandas_writes_them(pattern: str, zone: str | None) -> None:
    times = pd.date_range("2026-03-28 22:15:07.5", periods=9, freq="7h13min", tz=zone)  # across a change of the clock
    assert TimeFormat(pattern).write(times) == times.strftime(pattern).tolist()
