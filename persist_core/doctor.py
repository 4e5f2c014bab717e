"""Checks of everything around a cache that can be wrong before a bot runs, each with a way out."""

from __future__ import annotations

import importlib.metadata
import os
import pathlib
import platform
import re
import shutil
import sys
import typing
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import hikari

from . import urls
from .completeness import lacking
from .contradictions import contradictions
from .encryption import Encryption
from .entities import ENTITIES, MESSAGES
from .errors import BackendError, MissingDriverError, PersistError
from .rules import Rules
from .schema import VERSION, Table, tables
from .sealing import note_of
from .spi import Store
from .sql import SqlStore

__all__ = (
    "Check",
    "around",
    "of_application",
    "of_contradictions",
    "of_environment",
    "of_file",
    "of_intents",
    "of_rules",
    "of_server",
    "of_store",
)

_PYTHON: typing.Final = (3, 11)
_LITTLE: typing.Final = 1_000_000_000
_LONG_WAL: typing.Final = 256_000_000
_DRIVERS: typing.Final[Mapping[str, tuple[str, str]]] = {
    "sqlite": ("aiosqlite", ""),
    "postgresql": ("asyncpg", "postgresql"),
    "postgres": ("asyncpg", "postgresql"),
    "mysql": ("aiomysql", "mysql"),
    "mariadb": ("aiomysql", "mysql"),
}
_FRAMEWORKS: typing.Final = ("hikari-lightbulb", "hikari-arc", "hikari-tanjun", "hikari-crescent")


class Check(typing.NamedTuple):
    """Something that was checked."""

    what: str
    state: typing.Literal["fine", "look", "wrong"]
    found: str
    way_out: str = ""


def around(url: str) -> Iterator[Check]:
    """Yield what is installed: Python, hikari, the driver of a URL, frameworks."""
    version = platform.python_version()
    is_old = sys.version_info < _PYTHON
    yield Check("Python", "wrong" if is_old else "fine", version, "install Python 3.11 or newer" if is_old else "")
    persist = importlib.metadata.version("hikari-persist")
    yield Check("hikari-persist", "fine", persist)
    yield _hikari(hikari.__version__)
    scheme = url.partition("://")[0]
    if (driver := _DRIVERS.get(scheme)) is not None:
        package, extra = driver
        try:
            yield Check("driver", "fine", f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            yield Check(
                "driver", "wrong", f"{package} is not installed", f"pip install 'hikari-persist[{extra or 'all'}]'"
            )
    found = ", ".join(f"{name} {version}" for name, version in _installed(_FRAMEWORKS))
    yield Check("frameworks", "fine", found or "none, and none is needed")


def _hikari(version: str) -> Check:
    major, minor = (int(part) for part in version.split(".")[:2])
    is_known = (2, 6) <= (major, minor) < (3, 0)
    way_out = "" if is_known else "pip install 'hikari>=2.6,<3'"
    return Check("hikari", "fine" if is_known else "wrong", version, way_out)


def _installed(names: typing.Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        try:
            yield name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue


def of_file(url: str) -> Iterator[Check]:
    """Yield checks of the file that an SQLite URL names: its folder, the disk, its write-ahead log."""
    if not url.startswith("sqlite:///"):
        return
    file = pathlib.Path(urls.parse(url).path.removeprefix("/"))
    folder = file.parent
    if (told := urls.misplaced(file)) is not None:
        yield Check("folder", "wrong", *told)
        return
    for place in (folder, *([file] if file.exists() else ())):
        if not os.access(place, os.W_OK):
            way_out = "give the bot's user write access, or name another place"
            yield Check("right to write", "wrong", f"this user cannot write to {str(place)!r}", way_out)
    if not file.exists():
        yield Check("file", "look", f"{str(file)!r} does not exist yet", "a bot creates it; is the path right?")
    free = shutil.disk_usage(folder).free
    size = file.stat().st_size if file.exists() else 0
    little = free < max(_LITTLE, size)
    way_out = "free some space: persist vacuum and backups need as much as the size of the file" if little else ""
    yield Check("disk", "look" if little else "fine", f"{free / 1e9:,.1f} GB free, {size / 1e6:,.1f} MB used", way_out)
    wal = file.with_name(f"{file.name}-wal")
    length = wal.stat().st_size if wal.exists() else 0
    if length > _LONG_WAL:
        way_out = "a long-running reader keeps it from being written back; stop that program, or run persist vacuum"
        yield Check("write-ahead log", "look", f"{length / 1e6:,.1f} MB", way_out)
    else:
        yield Check("write-ahead log", "fine", f"{length / 1e6:,.1f} MB")


async def of_store(store: Store) -> AsyncIterator[Check]:
    """Yield checks of a database: whether it can be reached, its schema, and the rights in it.

    They change nothing in it. The store is not open.
    """
    if not isinstance(store, SqlStore):
        yield await _reached(store, store.open)
        await store.close()
        return
    try:
        plan = await store.planned()
    except PersistError as error:
        yield Check("database", "wrong", str(error), _way_out(error))
        return
    if plan.version is None:
        yield Check("schema", "fine", "none yet: a bot creates it when it starts")
        return
    steps = f"version {plan.version}, and this version of persist uses {VERSION}"
    if plan.steps:
        yield Check("schema", "look", steps, "a bot migrates it when it starts; make a backup first: persist backup")
        return
    if plan.lost:
        lost = ", ".join(table.name for table in plan.lost)
        way_out = "bring them back from a backup, or run persist migrate to create them again, empty"
        yield Check("schema", "wrong", f"version {plan.version}, but these tables are missing: {lost}", way_out)
        return
    yield Check("schema", "fine", f"version {plan.version}")
    yield (keys := _of_keys(store, plan.notes))
    if keys.state == "wrong":
        return
    reached = await _reached(store, store.open_to_read)
    yield reached
    if reached.state != "wrong":
        try:
            async for check in _asked(store):
                yield check
        finally:
            await store.close()


def of_environment() -> Iterator[Check]:
    """Yield what is wrong with the keys that the environment names."""
    try:
        Encryption.from_environment()
    except PersistError as error:
        yield Check(
            "encryption", "wrong", str(error), "put name:key into PERSIST_KEYS, with a key from persist new-key"
        )


def _of_keys(store: SqlStore, notes: Mapping[str, str]) -> Check:
    note = note_of(notes)
    if store.sealing.encryption is None:
        if note is None:
            return Check("encryption", "fine", "nothing is encrypted, and no key is set")
        named = ", ".join(map(repr, note.keys))
        way_out = "put the bot's key into PERSIST_KEYS as name:key, or the path of its key file into PERSIST_KEYS_FILE"
        return Check(
            "encryption", "wrong", f"the database is encrypted with the key {named}, and no key is set", way_out
        )
    try:
        store.sealing.decide(store.dialect, notes, store.where)
    except MissingDriverError as error:
        return Check("encryption", "wrong", str(error), "pip install 'hikari-persist[encryption]'")
    except PersistError as error:
        way_out = "give the bot and this command the same keys, in PERSIST_KEYS or PERSIST_KEYS_FILE"
        return Check("encryption", "wrong", str(error), way_out)
    return Check("encryption", "fine", "the keys are the right ones")


def _way_out(error: PersistError) -> str:
    return "it may be temporary; try again" if isinstance(error, BackendError) and error.temporary else ""


async def _reached(store: Store, begin: Callable[[], typing.Awaitable[None]]) -> Check:
    try:
        await begin()
    except PersistError as error:
        return Check("database", "wrong", str(error), _way_out(error))
    return Check("database", "fine", f"can be opened: {store.where if isinstance(store, SqlStore) else repr(store)}")


async def _asked(store: SqlStore) -> AsyncIterator[Check]:
    dialect = store.dialect
    yield of_server(str((await store.query(dialect.version))[0][0]), dialect.tested)
    if dialect.size:
        size = int((await store.query(dialect.size))[0][0] or 0)
        yield Check("size", "fine", f"{size / 1e6:,.1f} MB with its indexes")
    if store.is_a_file:  # checked with the file
        return
    try:
        there = {str(row[0]) for row in await store.query(dialect.list_tables)}
        ours = [table for table in tables() if table.name in there]
        await store.run(lambda dialect: [sql for table in ours for sql in _touching(table, dialect.quote)])
        yield Check("right to write", "fine", "yes")
    except PersistError as error:
        yield Check("right to write", "wrong", str(error))
    if dialect.may_create and not (await store.query(dialect.may_create))[0][0]:
        found = "no: a new version of persist may need it once"
        yield Check("right to make tables", "look", found, "GRANT CREATE ON SCHEMA to the bot's user when you upgrade")


def of_server(version: str, tested: tuple[int, ...]) -> Check:
    """Check the version of a server against the oldest that is tested."""
    number = tuple(map(int, re.findall(r"\d+", version)[: len(tested)]))
    if number >= tested:
        return Check("server", "fine", version)
    oldest = ".".join(map(str, tested))
    return Check("server", "look", version, f"versions before {oldest} are not tested; upgrade the server")


def _touching(table: Table, quote: Callable[[str], str]) -> Iterator[str]:
    """Yield statements that need all the rights to write into a table, but change nothing."""
    name, column = quote(table.name), quote(table.fields[0].name)
    yield f"INSERT INTO {name} SELECT * FROM {name} WHERE 1 = 0"
    yield f"UPDATE {name} SET {column} = {column} WHERE 1 = 0"
    yield f"DELETE FROM {name} WHERE 1 = 0"


def of_application(flags: hikari.ApplicationFlags) -> hikari.Intents:
    """Return the privileged intents that the developer portal allows an application."""
    given = hikari.Intents.NONE
    for intent, names in _PORTAL.items():
        if flags & names:
            given |= intent
    return given


_PORTAL: typing.Final[Mapping[hikari.Intents, hikari.ApplicationFlags]] = {
    hikari.Intents.GUILD_MEMBERS: hikari.ApplicationFlags.VERIFIED_FOR_GUILD_MEMBERS_INTENT
    | hikari.ApplicationFlags.GUILD_MEMBERS_INTENT,
    hikari.Intents.GUILD_PRESENCES: hikari.ApplicationFlags.VERIFIED_FOR_GUILD_PRESENCES
    | hikari.ApplicationFlags.GUILD_PRESENCES_INTENT,
    hikari.Intents.MESSAGE_CONTENT: hikari.ApplicationFlags.MESSAGE_CONTENT_INTENT
    | hikari.ApplicationFlags.MESSAGE_CONTENT_INTENT_LIMITED,
}


def of_rules(file: pathlib.Path) -> tuple[Rules | None, Check]:
    """Return the rules of a file, and the check of it."""
    try:
        rules = Rules.load(file)
    except PersistError as error:
        return None, Check("rules", "wrong", str(error), "fix the file, or name another one with --rules")
    off = [name for name, entity in ENTITIES.items() if rules.of(name) is False and not entity.opt_in]
    return rules, Check("rules", "fine", f"{str(file)!r}: {', '.join(off) or 'nothing'} turned off")


def of_intents(intents: hikari.Intents, off: frozenset[str], rules: Rules | None = None) -> Iterator[Check]:
    """Yield the kinds that are not turned off and a bot with some intents cannot keep, and rules without effect."""
    rules = rules or Rules()
    wanting: dict[str, list[str]] = {}
    kept = [entity for entity in ENTITIES.values() if entity.name not in off and rules.of(entity.name) is not False]
    for entity in kept:
        if missing := lacking(entity, intents):
            wanting.setdefault(" and ".join(str(each.name) for each in missing.split()), []).append(entity.name)
    if MESSAGES in kept and not intents & hikari.Intents.MESSAGE_CONTENT:
        wanting.setdefault("MESSAGE_CONTENT", []).append("messages (they arrive without their content)")
    for names, kinds in wanting.items():
        way_out = "add it to the bot and enable it in the developer portal, or turn these kinds off with persist.Rules"
        yield Check("intents", "look", f"without {names}: {', '.join(kinds)} stay empty or go out of date", way_out)
    if not wanting:
        yield Check("intents", "fine", "everything that is kept is kept up to date")
    yield from of_contradictions(rules, intents)


def of_contradictions(rules: Rules, intents: hikari.Intents = hikari.Intents.ALL) -> Iterator[Check]:
    """Yield the parts of rules that have no effect."""
    for told in contradictions(rules, intents):
        yield Check("rules", "look", told, "change the rules, or the intents of the bot")
