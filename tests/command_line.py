"""Runs the command line in this process, on databases that only stores have filled and read."""

from __future__ import annotations

import asyncio
import json
import typing

from typer.testing import CliRunner

from persist import plugins
from persist.changes import Put
from persist.cli import app
from persist.entities import ENTITIES
from persist.model import Record
from persist.spi import Select

__all__ = ("answered", "call", "fill", "said", "stored")


def fill(url: str, records: list[Record]) -> None:
    async def work() -> None:
        store = plugins.open_store(url)
        await store.open()
        await store.apply([Put(record) for record in records])
        await store.close()

    asyncio.run(work())


def stored(url: str) -> dict[str, list[Record]]:
    async def work() -> dict[str, list[Record]]:
        store = plugins.open_store(url)
        await store.open()
        try:
            return {
                name: sorted((await store.select(Select(entity, metadata=True))).records, key=lambda record: record.key)
                for name, entity in ENTITIES.items()
            }
        finally:
            await store.close()

    return asyncio.run(work())


def call(*words: str, code: int = 0) -> typing.Any:
    """Run a command in this process, and return its JSON output, or its standard error if it should fail."""
    result = CliRunner().invoke(app, [*words, "--json"])
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    return json.loads(result.stdout) if code == 0 else result.stderr


def answered(*words: str, code: int) -> typing.Any:
    """Run a command in this process that finds problems, and return its JSON output."""
    result = CliRunner().invoke(app, [*words, "--json"])
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    return json.loads(result.stdout)


def said(*words: str, code: int = 0) -> str:
    """Run a command in this process, and return its output for people."""
    result = CliRunner().invoke(app, [*words])
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    return result.stdout + result.stderr
