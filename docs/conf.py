"""Settings of Sphinx: ``sphinx-build -W docs build/docs``."""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
from pathlib import Path
from typing import Any

from tscnn.cli import main
from tscnn.cli.arguments import COMMANDS

project = "tscnn"
author = "The tscnn developers"
copyright = author
release = importlib.metadata.version("tscnn")

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc"]
html_theme = "furo"
html_title = f"tscnn {release}"
exclude_patterns = ["_generated"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
suppress_warnings = ["myst.xref_missing"]  # links from docs/ to files of the repository, checked by tests/test_docs.py

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # numpydoc says types in words, with shapes
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
toc_object_entries_show_parents = "hide"


def write_commands(*_: Any) -> None:
    """Write what ``tscnn COMMAND --help`` prints to a page."""
    parts = ["# Commands\n\nWhat `tscnn COMMAND --help` prints.\n"]
    for name in (*COMMANDS, "receptive-field", "demo"):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
            main([name, "--help"])
        parts.append(f"## tscnn {name}\n\n```text\n{printed.getvalue()}```\n")
    Path(__file__).with_name("reference").joinpath("commands.md").write_text("\n".join(parts), encoding="utf-8")


def setup(app: Any) -> None:
    """Have pages written before they are read."""
    app.connect("builder-inited", write_commands)
