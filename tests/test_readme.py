"""The README and the pages of docs/: code runs, links lead somewhere, every public name has a place."""

import re
from pathlib import Path

import pytest

import tscnn
from tscnn import datasets, layers, metrics, plotting, windows

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")
PAGES = [README, *(page for page in sorted(DOCS.rglob("*.md")) if page.name != "commands.md")]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
ELSEWHERE = DOCS / "exports.md"  # run by tests/exporting/test_docs.py
CODE = [page for page in PAGES if BLOCK.search(page.read_text(encoding="utf-8")) and page != ELSEWHERE]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:More than 20 figures:RuntimeWarning", "ignore:Quantiles this far out:UserWarning")
@pytest.mark.parametrize("page", CODE, ids=name_of)
def test_python_blocks_run_in_order(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    newest = datasets.load_nyc_weather()[-2000:]  # fitted in a fraction of the time
    monkeypatch.setattr(datasets, "load_nyc_weather", lambda: newest)
    own = newest[-900:][["JFK_temp", "JFK_wind_speed"]].rename(columns={"JFK_temp": "temp", "JFK_wind_speed": "wind"})
    own.to_csv("weather.csv")
    text, namespace = page.read_text(encoding="utf-8"), {"__name__": "page"}
    for block in BLOCK.finditer(text):
        # As many empty lines as stand before the block: a traceback shows the line of the page.
        code = "\n" * text.count("\n", 0, block.start(1)) + block[1]
        exec(compile(code, page, "exec"), namespace)


@pytest.mark.parametrize("name", ["demo", "test"])
def test_command_is_one_line(name):
    blocks = re.findall(rf"<!-- command: {name} -->\n+```sh\n(.*?)```", TEXT, re.DOTALL)
    assert [block.count("\n") for block in blocks] == [1]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_files(page):
    made = {DOCS / "reference" / "commands.md"}  # by the build of the site
    for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        target = (page.parent / link).resolve()
        assert link.startswith("http") or target.exists() or target in made, link


def test_every_public_name_is_in_the_reference():
    text = "\n".join(page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md"))
    modules = {"layers": layers, "metrics": metrics, "windows": windows, "datasets": datasets, "plotting": plotting}
    assert all(f"automodule:: tscnn.{name}\n" in text for name in modules)
    named = set(re.findall(r"tscnn\.(\w+)", text)) | set(modules)
    assert set(tscnn.__all__) - named == {"__version__"}


def test_pictures_are_small():
    assert {path.name for path in (DOCS / "images").iterdir() if path.stat().st_size > 100_000} == set()
