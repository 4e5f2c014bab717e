"""The wheel contains what is in the folders, under the documented names, and has no side effects."""

from __future__ import annotations

import ast
import importlib
import pathlib
import subprocess
import sys
import types
import zipfile

import pytest
import wheels

ROOT = pathlib.Path(__file__).parents[1]
FOLDERS = {
    "persist_core/_hikaripersist": "hikaripersist",
    "persist_core": "persist",
    "backends": "persist/backends",
    "integrations": "persist/integrations",
}
OPTIONAL = (
    "aiomysql",
    "arc",
    "asyncpg",
    "crescent",
    "cryptography",
    "lightbulb",
    "opentelemetry",
    "prometheus_client",
    "pytest",
    "rich",
    "tanjun",
    "typer",
    "zstandard",
)


def sources() -> dict[str, pathlib.Path]:
    """Return every file that must be in the wheel, by its name there. Nested folders are listed before outer ones."""
    found: dict[pathlib.Path, str] = {}
    for folder, package in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix == ".py" or path.name == "py.typed":
                found.setdefault(path, f"{package}/{path.relative_to(ROOT / folder).as_posix()}")
    return {name: path for path, name in found.items()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    built = wheels.build_persist(tmp_path_factory.mktemp("project"))
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


def run(program: str) -> str:
    # With -P, imports do not look in the current directory.
    return subprocess.run([sys.executable, "-P", "-c", program], check=True, capture_output=True, text=True).stdout


def import_or_skip(name: str) -> types.ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        # Our own error names the extra; its cause names the module.
        missing = error if isinstance(error, ModuleNotFoundError) else error.__cause__
        # Only modules from extras may be missing; a missing module of our own is a failure.
        if not isinstance(missing, ModuleNotFoundError) or str(missing.name).partition(".")[0] not in OPTIONAL:
            raise
        pytest.skip(f"{missing.name} is not installed.")


def test_the_wheel_is_the_tree(wheel: set[str]) -> None:
    written = set(sources())
    shipped = {name for name in wheel if ".dist-info/" not in name}
    assert written - shipped == set(), (
        "In a folder, not in the wheel: a sub-folder that [tool.setuptools] does not name?"
    )
    assert shipped - written == set(), "In the wheel, not in a folder."


def test_the_wheel_holds_two_packages_and_nothing_else(wheel: set[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"hikaripersist", "persist"}
    assert {"persist/py.typed", "hikaripersist/py.typed"} <= wheel


def test_this_environment_has_every_file() -> None:
    import persist  # noqa: PLC0415 - a missing file may be what persist itself imports

    where = pathlib.Path(persist.__path__[0]).parent
    missing = {name for name in sources() if not (where / name).is_file()}
    assert missing == set(), "Strict editable mode links files by name: run make sync."


def test_import_persist_imports_no_driver_and_no_framework() -> None:
    loaded = run("import sys, persist; print(*sys.modules, sep='\\n')").splitlines()
    assert "persist" in loaded
    assert {name.partition(".")[0] for name in loaded}.isdisjoint(OPTIONAL)


def test_hikaripersist_is_persist() -> None:
    assert run("import hikaripersist, persist; print(hikaripersist is persist)") == "True\n"


@pytest.mark.parametrize("order", ["hikaripersist.errors, persist.errors", "persist.errors, hikaripersist.errors"])
def test_a_module_has_one_identity_under_both_names(order: str) -> None:
    program = f"import sys, {order}; print(sys.modules['hikaripersist.errors'] is sys.modules['persist.errors'])"
    assert run(program) == "True\n"
    assert run(f"import {order}; print(hikaripersist.errors.__spec__.name)") == "persist.errors\n"


@pytest.mark.parametrize("name", [name for name in sources() if name.endswith(".py") and name.startswith("persist/")])
def test_public_names_are_sorted_and_exist(name: str) -> None:
    declared = [
        ast.literal_eval(node.value)
        for node in ast.parse(sources()[name].read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__all__"]
    ]
    for names in declared:
        assert list(names) == sorted(set(names), key=lambda each: (not each.isupper(), not each[0].isupper(), each))
        module = import_or_skip(name.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
        assert [each for each in names if not hasattr(module, each)] == []


def test_persist_says_what_is_public() -> None:
    assert importlib.import_module("persist").__all__


@pytest.mark.parametrize("path", sources().values(), ids=sources())
def test_nobody_imports_a_folder_by_its_name(path: pathlib.Path) -> None:
    imported = {
        name.partition(".")[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in _absolute_imports(node)
    }
    assert imported.isdisjoint({"backends", "integrations", "persist_core"}), "Write persist, or a relative import."


def _absolute_imports(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=str(module), level=0):
            return [module]
        case _:
            return []
