import re
from pathlib import Path

import pytest

from tscnn import datasets

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")


@pytest.mark.slow
def test_python_blocks_run_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    newest = datasets.load_nyc_weather()[-2500:]  # fitted in a third of the time
    monkeypatch.setattr(datasets, "load_nyc_weather", lambda: newest)
    blocks = list(re.finditer(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL))
    assert blocks
    namespace = {"__name__": "readme"}
    for block in blocks:
        # As many empty lines as stand before the block: a traceback shows the line of the README.
        code = "\n" * TEXT.count("\n", 0, block.start(1)) + block[1]
        exec(compile(code, README, "exec"), namespace)


@pytest.mark.parametrize("name", ["demo", "test"])
def test_command_is_one_line(name):
    blocks = re.findall(rf"<!-- command: {name} -->\n+```sh\n(.*?)```", TEXT, re.DOTALL)
    assert [block.count("\n") for block in blocks] == [1]
