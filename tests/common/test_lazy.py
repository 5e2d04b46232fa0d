import importlib.util
import sys

import pytest

from tscnn.common.lazy import after_import


@pytest.fixture
def package(tmp_path, monkeypatch):
    (tmp_path / "some_package.py").write_text("answer = 42")
    monkeypatch.syspath_prepend(tmp_path)
    before = list(sys.meta_path)
    yield "some_package"
    sys.modules.pop("some_package", None)
    assert sys.meta_path == before


def test_what_follows_an_import_is_done_once_and_leaves_no_state(package):
    said = []
    after_import(package, lambda: said.append(sys.modules[package].answer))
    assert importlib.util.find_spec(package) is not None
    assert said == []
    for _ in range(2):
        importlib.import_module(package)
        assert said == [42]
    after_import(package, lambda: said.append("at once"))
    assert said == [42, "at once"]
