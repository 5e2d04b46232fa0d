"""Lines of a shell, run in this process: `tscnn .. | tscnn ..`, `< file`, `> file`, `tail -n N file`."""

import io
import shlex
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from tscnn.cli.commands import main


@dataclass
class Done:
    status: int
    out: str
    err: str


def shell(line: str, stdin: bytes = b"") -> Done:
    out, err = stdin, io.StringIO()
    for part in line.split(" | "):
        words = shlex.split(part)
        file = words[words.index(">") + 1] if ">" in words else None
        if "<" in words:
            out = Path(words[words.index("<") + 1]).read_bytes()
        words = words[: min((words.index(mark) for mark in "<>" if mark in words), default=len(words))]
        if words[0] == "tail":
            lines = out.splitlines(keepends=True) if len(words) == 3 else Path(words[3]).read_bytes().splitlines(True)
            out, status = b"".join(lines[-int(words[2]) :]), 0
            continue
        assert words[0] == "tscnn"
        written = io.StringIO()
        with (
            redirect_stdout(written),
            redirect_stderr(err),
            patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(out))),
        ):
            try:
                status = main(words[1:])
            except SystemExit as stopped:
                status = int(stopped.code or 0)
        out = written.getvalue().encode()
        if file is not None:
            Path(file).write_bytes(out)
        if status:
            break
    return Done(status, out.decode(), err.getvalue())
