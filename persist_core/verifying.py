"""Checks of stored data: of the database itself, of each record, and against Discord."""

from __future__ import annotations

import random
import typing
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

import hikari

from . import copying
from .entities import CHANNELS, GUILDS, MEMBERS, OWN_USER, ROLES, THREADS
from .errors import BackendError
from .gauges import Gauges
from .model import Decoder, Entity, Key, Record
from .reading import App, decoder_of, reader_of
from .said import Said
from .saying import overheard
from .schema import tables
from .spi import Page, Select, Store
from .sql import SqlStore

__all__ = ("Difference", "Finding", "damage", "differences", "findings")

AnyEntity = Entity[typing.Any]
Seen = Callable[[str, int], None]
_EXAMPLES: typing.Final = 3
_GUILDS: typing.Final = 3


What = typing.Literal[
    "damaged", "unchecked", "unreadable", "undecodable", "unknown to hikari", "without guild", "without owner"
]


class Finding(typing.NamedTuple):
    """Something that is wrong with a kind."""

    kind: str
    """The kind; empty for the whole database."""

    what: What
    number: int
    examples: tuple[str, ...]
    """Some keys, or the messages of the database."""

    @property
    def is_error(self) -> bool:
        """Whether it is an error. Owners may be unknown for good reasons, as Discord does not send everything."""
        return self.what not in ("unchecked", "without owner", "unknown to hikari")

    @property
    def way_out(self) -> str:
        """What to do about it."""
        return self.examples[0] if self.what == "unchecked" else _WAYS_OUT[self.what]


_WAYS_OUT: typing.Final[Mapping[What, str]] = {
    "unchecked": "",
    "damaged": "restore a backup into another database, or save what can be read with persist copy",
    "unreadable": "the payload was altered; delete the row, and Discord will send it again",
    "undecodable": "hikari cannot make an object of it; delete the row, and Discord will send it again",
    "unknown to hikari": "this version of hikari does not know its type; update hikari, or use persist show to read it",
    "without guild": "its guild is gone, and it should be too; it is removed when the bot sees the guild again",
    "without owner": "what it belongs to is not known; that is normal for what the bot cannot see",
}


async def findings(store: Store, app: App, seen: Seen) -> AsyncIterator[Finding]:
    """Yield what is wrong with stored data.

    Parameters
    ----------
    store
        The store. It is open.
    app
        What makes hikari objects.
    seen
        Called with the progress.
    """
    if isinstance(store, SqlStore):
        async for finding in damage(store):
            yield finding
    own = await store.select(Select(OWN_USER, limit=1, want="keys"))
    me = int(own.records[0].key[0]) if own.records else 0
    decoder = decoder_of(app, me)
    reader = reader_of(store, Gauges(), lambda: decoder)
    for entity in await copying.kinds(store):
        bad = _Bad(entity)
        async for page in copying.pages(store, entity):
            bad.note("unreadable", [key for key, _ in page.corrupt])
            for record in await reader.whole(page.records):
                if (what := _trouble(decoder, record)) is not None:
                    bad.note(what, [record.key])
            for missing, keys in await _orphans(store, page):
                bad.note(missing, keys)
            seen(entity.name, len(page.records) + len(page.corrupt))
        for finding in bad.found():
            yield finding


async def damage(store: SqlStore) -> AsyncIterator[Finding]:
    """Yield what an open database itself finds to be wrong with it."""
    integrity = store.dialect.integrity
    if integrity is None:
        return
    if integrity.offered and not (await store.query(integrity.offered))[0][0]:
        yield Finding("", "unchecked", 0, (integrity.lacking,))
        return
    problems: list[str] = []
    there = {str(row[0]) for row in await store.query(store.dialect.list_tables)}
    for question in integrity.ask([table.name for table in tables() if table.name in there]):
        try:
            problems += filter(None, map(integrity.problem, await store.query(question)))
        except BackendError as error:
            if error.temporary:
                raise
            problems.append(str(error))
    if problems:
        yield Finding("", "damaged", len(problems), tuple(problems[:_EXAMPLES]))


class _Bad:
    """What is wrong with the records of one kind."""

    def __init__(self, entity: AnyEntity) -> None:
        self._kind = entity.name
        self._found: dict[What, tuple[int, tuple[str, ...]]] = {}

    def note(self, what: What, keys: Sequence[Key]) -> None:
        if keys:
            count, examples = self._found.get(what, (0, ()))
            more = (" ".join(map(str, key)) for key in keys[:_EXAMPLES])
            self._found[what] = (count + len(keys), (*examples, *more)[:_EXAMPLES])

    def found(self) -> Iterator[Finding]:
        for what, (count, examples) in self._found.items():
            yield Finding(self._kind, what, count, examples)


def _trouble(decoder: Decoder, record: Record) -> What | None:
    try:
        record.entity.decode(decoder, record)
    except hikari.UnrecognisedEntityError:
        return "unknown to hikari"
    except Exception:  # noqa: BLE001 - hikari may raise anything
        return "undecodable"
    return None


async def _orphans(store: Store, page: Page) -> list[tuple[What, list[Key]]]:
    """Return the keys of records that belong to something that is not stored."""
    if not page.records:
        return []
    by_columns: dict[tuple[str, ...], list[AnyEntity]] = {}
    for owner, on in page.records[0].entity.owners:
        by_columns.setdefault(on, []).append(owner)
    found: list[tuple[What, list[Key]]] = []
    for on, owners in by_columns.items():
        wanted = {record.key: key for record in page.records if (key := _owner_key(record, on)) is not None}
        known: set[Key] = set()
        for owner in owners:  # a message is in a channel or in a thread
            asked = tuple(set(wanted.values()))
            if asked:
                there = await store.select(Select(owner, keys=asked, want="keys"))
                known.update(record.key for record in there.records)
        what: What = "without guild" if owners == [GUILDS] else "without owner"
        found.append((what, [key for key, owner_key in wanted.items() if owner_key not in known]))
    return found


def _owner_key(record: Record, on: tuple[str, ...]) -> Key | None:
    key = tuple(record.column(name) for name in on)
    return None if None in key else key


class Difference(typing.NamedTuple):
    """A difference between stored data and Discord."""

    kind: str
    key: str
    column: str
    """The column that differs; ``itself`` if one side does not have the record at all."""

    stored: object
    discord: object


_COMPARED: typing.Final = (CHANNELS, ROLES, MEMBERS)
_PASSING: typing.Final = frozenset(("last_message_id", "status", "voice_start_time"))
"""Columns that change all the time, or that REST does not return."""


async def differences(store: Store, rest: hikari.api.RESTClient, sample: int) -> AsyncIterator[Difference]:
    """Yield differences from Discord in the roles, channels and some members of some guilds.

    Parameters
    ----------
    store
        The store. It is open.
    rest
        A client with the bot's token.
    sample
        How many members to compare.

    Raises
    ------
    hikari.HikariError
        If a request fails.
    """
    guilds = [record.key[0] for record in (await store.select(Select(GUILDS, want="keys"))).records]
    some = random.sample(guilds, min(_GUILDS, len(guilds)))
    for guild_id in map(int, some):
        heard: list[Said] = []
        client = overheard(rest, heard)
        await client.fetch_guild_channels(guild_id)
        await client.fetch_roles(guild_id)
        stored: dict[tuple[AnyEntity, Key], Record] = {
            (entity, record.key): record
            for entity in (CHANNELS, ROLES)
            for record in (await store.select(Select(entity, guild_id=guild_id))).records
        }
        page = await store.select(Select(MEMBERS, guild_id=guild_id, limit=1000))
        members = random.sample(list(page.records), min(sample // len(some), len(page.records)))
        for member in members:
            stored[MEMBERS, member.key] = member
            try:
                await client.fetch_member(guild_id, int(member.key[1]))
            except hikari.NotFoundError:
                continue  # stored, but unknown to Discord
        for difference in _compared(stored, heard, guild_id):
            yield difference


def _compared(
    stored: Mapping[tuple[AnyEntity, Key], Record], heard: Sequence[Said], guild: int
) -> Iterator[Difference]:
    said = {
        (each.entity, each.entity.identify(each.payload, guild)): each.payload
        for each in heard
        if each.entity in _COMPARED
    }
    for entity, key in {**stored, **said}:
        name = " ".join(map(str, key))
        here, there = stored.get((entity, key)), said.get((entity, key))
        if here is None or there is None:
            if entity is not THREADS:
                yield Difference(entity.name, name, "itself", _told(here), _told(there))
            continue
        for column, reading in entity.columns.items():
            ours, theirs = reading.read(here.payload), reading.read(there)
            if ours != theirs and column not in _PASSING:
                yield Difference(entity.name, name, column, ours, theirs)


def _told(thing: object) -> str:
    return "missing" if thing is None else "there"
