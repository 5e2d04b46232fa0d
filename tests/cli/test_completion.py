from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.shell import shell


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["tscnn", "fo"], ["forecast"]),
        (["tscnn", "fit", "data.csv", "--lo"], ["--lookback"]),
        (["tscnn", "stream", "m.tscnn", "--st"], ["--state"]),
        (["tscnn", "inspect", "m"], []),
    ],
)
def test_bash_completes(tmp_path: Path, words: list[str], completed: list[str]) -> None:
    script = tmp_path / "tscnn.bash"
    script.write_text(shell("tscnn completion bash").out)
    code = f"source {script}; COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1};"
    code += f" _tscnn tscnn {words[-1]} {words[-2]}; echo ${{COMPREPLY[@]}}"
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == completed


def test_zsh_takes_that_of_bash() -> None:
    assert shell("tscnn completion zsh").out.endswith(shell("tscnn completion bash").out)


def test_fish_has_every_option() -> None:
    lines = shell("tscnn completion fish").out.splitlines()
    assert "complete -c tscnn -n __fish_use_subcommand -f -a inspect -d 'say what a model is'" in lines
    assert any(re.search(r"from fit' -l missing -r -f -a 'raise mask interpolate'", line) for line in lines)
    assert all(line.count("'") % 2 == 0 for line in lines if "\\'" not in line)


def test_another_shell() -> None:
    assert shell("tscnn completion dos").status == 2
