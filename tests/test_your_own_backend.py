"""A third-party backend, installed as users install it, passes the contract that the wheel contains."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys

import pytest
import wheels

pytestmark = [pytest.mark.once, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Return the Python of a new environment with both wheels and what they need, without this repository."""
    folder = tmp_path_factory.mktemp("stranger")
    persist, example = wheels.build_persist(folder), wheels.build_example(folder)
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", f"{persist}[testing]", str(example)]
    subprocess.run(install, check=True, cwd=folder)
    return python


def test_a_strangers_backend_keeps_the_contract(python: pathlib.Path, redis_url: str) -> None:
    folder = python.parents[2] / "tests"
    folder.mkdir()
    for name in ("pyproject.toml", "test_persist_redis.py"):
        shutil.copy(wheels.EXAMPLE / name, folder)
    tests = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        tests, cwd=folder, env={**os.environ, "REDIS_URL": redis_url}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout


def test_its_scheme_is_known_and_it_is_imported_when_asked_for(python: pathlib.Path) -> None:
    program = (
        "import sys, persist, persist.plugins as plugins\n"
        "print('redis' in plugins.schemes(), 'persist_redis' in sys.modules)\n"
        "print(plugins.open_store('redis://bot:secret@localhost/3'), 'persist_redis' in sys.modules)"
    )
    said = subprocess.run([python, "-P", "-c", program], check=True, capture_output=True, text=True).stdout
    assert said.splitlines() == ["True False", "<RedisStore on the Redis database redis://localhost/3> True"]
