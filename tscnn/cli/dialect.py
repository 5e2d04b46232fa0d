"""What a CSV file looks like: its encoding, separator and decimal mark, told apart by its first lines."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Self

from tscnn.common.checks import received

__all__ = ["Dialect", "is_wide", "lines_of"]

SEPARATORS = ("\t", ";", "|", ",")  # in this order where several fit: "1,5;2,5" has as many commas as semicolons
MOST_BYTES = 65_536  # that are looked at
_COMMA = re.compile(r"[+-]?\d[\d.]*,\d+")
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True)
class Dialect:
    r"""How tables are written as text.

    Attributes
    ----------
    encoding : str, default "utf-8"
        Of the file.
    separator : str, default ","
        Between fields.
    decimal : {".", ","}, default "."
        Of numbers.

    Examples
    --------
    >>> Dialect.find("when;Größe\n1.4.2026;1,5\n".encode("cp1252"))
    Dialect(encoding='cp1252', separator=';', decimal=',')
    """

    encoding: str = "utf-8"
    separator: str = ","
    decimal: str = "."

    @classmethod
    def find(
        cls, raw: bytes, encoding: str | None = None, separator: str | None = None, decimal: str | None = None
    ) -> Self:
        """Tell what is not given.

        Parameters
        ----------
        raw : bytes
            Of the file, or its first lines.
        encoding, separator, decimal : str, optional
            What is known.

        Returns
        -------
        Dialect
            Of the file.

        Raises
        ------
        ValueError
            If there is no such encoding, or the bytes are not in it.
        """
        encoding = encoding or next((name for mark, name in _MARKS.items() if raw.startswith(mark)), None)
        if encoding is None:
            try:
                codecs.getincrementaldecoder("utf-8")().decode(raw)
                encoding = "utf-8"
            except UnicodeDecodeError:
                encoding = "cp1252"
        form = cls(encoding)
        lines = form.decode(raw[:MOST_BYTES], final=len(raw) <= MOST_BYTES).splitlines()
        lines = [line for line in (lines if len(raw) <= MOST_BYTES else lines[:-1]) if line.strip()]
        if separator is None:
            separator = _find_separator(lines)
        rows = csv.reader(lines, delimiter=separator)
        if decimal is None:
            decimal = "," if separator != "," and any(_COMMA.fullmatch(c.strip()) for row in rows for c in row) else "."
        return cls(encoding, separator, decimal)

    def decode(self, raw: bytes, *, final: bool = True) -> str:
        """Turn bytes into text.

        Parameters
        ----------
        raw : bytes
            Of the file.
        final : bool, default True
            Whether they end where a character does.

        Returns
        -------
        str
            What they say.

        Raises
        ------
        ValueError
            If they are not in this encoding.
        """
        try:
            return codecs.getincrementaldecoder(self.encoding)().decode(raw, final)
        except (LookupError, UnicodeError) as error:
            rule = f"The file must be in the encoding that `--encoding` names, such as utf-8 or cp1252 ({error})."
            raise ValueError(received(rule, encoding=self.encoding)) from None

    def split(self, line: str) -> list[str]:
        """Cut a line into its fields.

        Parameters
        ----------
        line : str
            Of the file.

        Returns
        -------
        list of str
            Without quotes, and without blanks around them.
        """
        return [cell.strip() for cell in next(csv.reader([line], delimiter=self.separator), [])]


def is_wide(encoding: str) -> bool:
    """Tell whether characters of an encoding are of two or four bytes, any of which may be that of a line's end.

    Parameters
    ----------
    encoding : str
        Such as "utf-16".

    Returns
    -------
    bool
        Of UTF-16 and UTF-32.
    """
    return encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32", "utf16", "utf32"))


def lines_of(stream: BinaryIO, encoding: str | None = None) -> Iterator[bytes]:
    r"""Read lines as they come; those of UTF-16 and UTF-32, which bytes can't be cut at the ends of, in UTF-8.

    Parameters
    ----------
    stream : file of bytes
        Such as ``sys.stdin.buffer``.
    encoding : str, optional
        If it is known; default what the first bytes say.

    Yields
    ------
    bytes
        A line.

    Raises
    ------
    ValueError
        If the bytes are not in this encoding.

    Examples
    --------
    >>> import io
    >>> list(lines_of(io.BytesIO("a,b\n1,2".encode("utf-16"))))
    [b'a,b', b'1,2']
    """
    first = stream.readline()
    encoding = encoding or next((name for mark, name in _MARKS.items() if first.startswith(mark)), None)
    if encoding is None or not is_wide(encoding):
        yield first
        yield from stream
        return
    try:
        decoder, chunk, text = codecs.getincrementaldecoder(encoding)(), first, ""
        while chunk:
            *lines, text = (text + decoder.decode(chunk)).split("\n")
            yield from (line.encode() for line in lines)
            chunk = stream.read1()  # type: ignore[attr-defined]
        yield (text + decoder.decode(b"", final=True)).encode()
    except (LookupError, UnicodeError) as error:
        rule = f"The lines must be in the encoding that `--encoding` names, such as utf-8 or cp1252 ({error})."
        raise ValueError(received(rule, encoding=encoding)) from None


def _find_separator(lines: Sequence[str]) -> str:
    """Return what cuts all lines into the most fields, as many in each; one column has none."""
    best, most = ",", 1
    for mark in SEPARATORS:
        counts = {len(row) for row in csv.reader(lines, delimiter=mark)}
        if len(counts) == 1 and max(counts) > most:
            best, most = mark, max(counts)
    return best
