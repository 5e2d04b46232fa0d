import pytest

from tscnn.cli.dialect import Dialect


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_are_told_apart(encoding: str) -> None:
    raw = "time,größe\n2026-01-01,1.5\n".encode(encoding)
    found = Dialect.find(raw)
    assert found.encoding == encoding
    assert found.decode(raw).startswith("time,größe")


@pytest.mark.parametrize(
    ("text", "separator", "decimal"),
    [
        ("time,a,b\n2026-01-01,1.5,2\n", ",", "."),
        ("time;a;b\n01.04.2026;1,5;2\n", ";", ","),
        ("time;a;b\n2026-01-01;1.5;2\n", ";", "."),
        ("time\ta\n2026-01-01\t1,5\n", "\t", ","),
        ("time|a\n2026-01-01|1.5\n", "|", "."),
        ("2026-01-01;1,5;2,5;3,5\n", ";", ","),
        ('time,"a;b"\n2026-01-01,1\n', ",", "."),
        ("a\n1.5\n", ",", "."),
    ],
)
def test_separators_and_decimals_are_told_apart(text: str, separator: str, decimal: str) -> None:
    found = Dialect.find(text.encode())
    assert (found.separator, found.decimal) == (separator, decimal)


def test_flags_win() -> None:
    found = Dialect.find(b"time;a,b\n1;2,3\n", "latin-1", ",", ".")
    assert found == Dialect("latin-1", ",", ".")


def test_a_character_may_be_cut_where_the_first_bytes_end() -> None:
    raw = b"time,a\n" + "ö".encode() * 100_000
    assert Dialect.find(raw).encoding == "utf-8"


def test_an_encoding_that_is_none() -> None:
    with pytest.raises(ValueError, match=r"--encoding.*encoding='utf-7x'"):
        Dialect.find(b"time,a\n", "utf-7x")
