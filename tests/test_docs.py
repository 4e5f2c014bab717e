"""The documentation builds, names everything public, and shows code that exists."""

from __future__ import annotations

import ast
import importlib.util
import pathlib
import re
import subprocess
import sys

import pytest

import persist

ROOT = pathlib.Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
BLOCKS = [
    pytest.param(block, id=f"{page.relative_to(ROOT)}:{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL), 1)
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    if importlib.util.find_spec("mkdocs") is None:
        pytest.skip("mkdocs is not installed in this environment")
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_site_asks_nothing_of_another_host(site: pathlib.Path) -> None:
    asked = re.compile(
        r"""<(?:script|img|iframe)[^>]+src=["']?(?:https?:)?//|<link[^>]+stylesheet[^>]+href=["']?https?:"""
    )
    assert [page.name for page in site.rglob("*.html") if asked.search(page.read_text())] == []


def test_every_public_name_is_documented(site: pathlib.Path) -> None:
    pages = "".join(page.read_text() for page in site.rglob("*.html"))
    assert [name for name in persist.__all__ if not re.search(rf"\b{name}\b", pages)] == []


@pytest.mark.parametrize("block", BLOCKS)
def test_code_in_the_documentation_is_code(block: str) -> None:
    names = {
        node.attr
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "persist"
    }
    assert [name for name in sorted(names - {"integrations"}) if not hasattr(persist, name)] == []
