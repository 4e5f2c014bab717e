"""Rules as a naive filter: it accepts everything, and checks all stored data after each event."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import typing
from collections.abc import Callable, Mapping, Sequence

import hypothesis
import hypothesis.strategies as st
from fakecord import Payload
from hearing import ME, Hearing, ready
from plain import PlainStore

import persist
from persist.changes import Amend, Change, Drop, DropScope, Patch, Put
from persist.completeness import TELLING, told
from persist.conditions import knowns_in
from persist.entities import (
    AUTO_MOD_EXECUTIONS,
    CHANNELS,
    COMPLETENESS,
    ENTITIES,
    GUILDS,
    MEMBERS,
    SHARDS,
    THREADS,
    USERS,
)
from persist.events import EVENTS
from persist.fields import NESTED
from persist.judge import columns_of
from persist.model import Key, Origin, Record
from persist.plans import Context
from persist.plugins import open_store

__all__ = ("Case", "Drops", "Event", "Happenings", "both", "emptied", "holds")

Drops = Mapping[str, frozenset[str]]
Event = tuple[str, Payload]
Stored = Mapping[tuple[str, Key], Payload]


@dataclasses.dataclass(frozen=True, repr=False)
class Case:
    """A rule, and its meaning, written again as simply as possible."""

    rules: persist.Rules
    keeps: Callable[[str, Record], bool] = lambda _kind, _record: True
    drops: Drops = dataclasses.field(default_factory=dict[str, frozenset[str]])
    some: frozenset[str] = frozenset()
    """Kinds that are kept only in part."""

    chunks: frozenset[str] = frozenset()
    """Kinds that are only accepted from requested lists of members."""

    keeps_guild: Callable[[int, Payload | None], bool] = lambda _id, _guild: True
    """Takes a guild and what is known of it. For other guilds, nothing is kept, nor are users who only appear there."""

    channels: tuple[tuple[str, frozenset[int], bool], ...] = ()
    """Kinds, and in which channels each is kept, or is not; this includes threads and whole categories."""

    opts_in: bool = False
    """Whether the audit log is kept, which requires opting in."""

    def __repr__(self) -> str:
        return repr(self.rules)


def both(one: Case, other: Case) -> Case:
    """Combine two cases, which both apply."""
    rules = one.rules & other.rules
    kinds = ENTITIES.keys() - rules.off  # a kind that is off does not affect what is nested in others
    return Case(
        rules,
        lambda kind, record: one.keeps(kind, record) and other.keeps(kind, record),
        {kind: one.drops.get(kind, frozenset()) | other.drops.get(kind, frozenset()) for kind in kinds},
        one.some | other.some,
        one.chunks | other.chunks,
        lambda snowflake, guild: one.keeps_guild(snowflake, guild) and other.keeps_guild(snowflake, guild),
        (*one.channels, *other.channels),
        one.opts_in and other.opts_in,
    )


class Happenings(list[Event]):
    """Events, printed readably by a failing test."""

    def __repr__(self) -> str:
        told = ("id", "guild_id", "channel_id", "message_id", "role_id", "roles")
        told += ("name", "nick", "content", "status", "topic", "unavailable")
        return repr([(name, {field: payload[field] for field in told if field in payload}) for name, payload in self])


class _Naive:
    """Keeps every kind that the rules mention, and checks all data after each event."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._store = PlainStore()
        self._told = PlainStore()
        self._parents: dict[int, int | None] = {}
        self._guilds: set[int] = set()
        self._left: set[tuple[str, str]] = set()

    def _is_late(self, name: str, payload: Payload) -> bool:
        """Return whether an event arrives after its member has left; also note who leaves and joins."""
        members = payload["members"] if name in ("GUILD_CREATE", "GUILD_MEMBERS_CHUNK") else [payload]
        people = {(payload.get("guild_id", payload.get("id")), m["user"]["id"]) for m in members if m.get("user")}
        if name == "GUILD_MEMBER_REMOVE":
            self._left |= people
        elif name in ("GUILD_MEMBER_ADD", "GUILD_MEMBERS_CHUNK"):
            self._left -= people
        elif name == "GUILD_CREATE":
            self._left = {(guild, user) for guild, user in self._left if guild != payload["id"]}
        return name in ("PRESENCE_UPDATE", "GUILD_MEMBER_UPDATE") and not people.isdisjoint(self._left)

    def _without_ghost(self, change: Change) -> Change:
        """Return a change that creates no member who has left."""
        is_gone = change.entity is MEMBERS and isinstance(change, Patch) and tuple(map(str, change.key)) in self._left
        return change._replace(create=False) if isinstance(change, Patch) and is_gone else change

    def hear(self, name: str, payload: Payload) -> None:
        if self._is_late(name, payload):
            return
        context = Context(
            0,
            1,
            int(ME),
            Origin("gateway", 0, 1, "2026-01-01 00:00:00.000000"),
            reads_content=True,
            authors={},
            guilds=self._guilds,
        )
        changes = list(told(name, payload, context.origin)) if name in TELLING else []
        changes += [self._without_ghost(change) for change in EVENTS[name].plan(payload, context)]
        self._guilds |= {
            int(guild["id"]) for guild in ((payload,) if name == "GUILD_CREATE" else payload.get("guilds", ()))
        }
        self._guilds -= {int(payload["id"])} if name == "GUILD_DELETE" and not payload.get("unavailable") else set()
        about = next((guild for change in changes if (guild := _about(change)) is not None), None)
        self._told.make(changes)
        for (entity, key), record in self._told.records.items():
            if entity in (CHANNELS, THREADS):
                self._parents[int(key[0])] = record.column("parent_id")
        met = about is None or self._keeps_guild(about)
        for change in changes:
            if met or change.entity is not USERS:
                self._make(change)
        self._store.records = {
            place: record._replace(payload=self._stripped(record.entity.name, record.payload, record.guild_id))
            for place, record in self._store.records.items()
            if self._keeps(record)
        }

    def _make(self, change: Change) -> None:
        if isinstance(change, Amend) and any(known.entity.name in self._case.some for known in knowns_in(change.where)):
            return  # if not all are known, Discord's own count is more accurate
        before = dict(self._store.records)
        self._store.make([change])
        if not isinstance(change, Put | Patch) or change.entity.name not in self._case.chunks:
            return
        place = change.entity, change.key
        made = self._store.records.get(place)
        if made is not None and made.origin.source != "chunk" and self._keeps(made):
            self._store.records = before  # data from another source is not accepted; data no longer kept is deleted
        elif made is not None and made.origin.source != "chunk":
            del self._store.records[place]

    def _keeps(self, record: Record) -> bool:
        entity, case = record.entity, self._case
        if entity.opt_in and not case.opts_in:
            return False
        guild = int(record.key[0]) if entity is GUILDS else record.guild_id
        kept = guild is None or self._keeps_guild(guild)
        return kept and case.keeps(entity.name, record) and self._is_in_channel(record)

    def _keeps_guild(self, guild: int) -> bool:
        known = self._told.records.get((GUILDS, (guild,)))
        return self._case.keeps_guild(guild, None if known is None else known.payload)

    def _is_in_channel(self, record: Record) -> bool:
        rules = [(ids, denied) for kind, ids, denied in self._case.channels if kind == record.entity.name]
        if not rules:
            return True
        read = columns_of(record.entity, "channels")
        assert read is not None
        found = set(read(record))
        for _ in range(2):
            found |= {parent for channel in found if (parent := self._parents.get(channel)) is not None}
        return all(ids.isdisjoint(found) is denied for ids, denied in rules)

    def _stripped(self, kind: str, payload: Payload, guild: int | None) -> Payload:
        left = {name: value for name, value in payload.items() if name not in self._case.drops.get(kind, ())}
        for path, inside in NESTED.get(kind, {}).items():
            left = self._at(left, path.split("."), inside, guild)
        return left

    def _at(self, payload: Payload, path: Sequence[str], kind: str, guild: int | None) -> Payload:
        name, *rest = path
        found = payload.get(name)
        if isinstance(found, list):
            made: typing.Any = [self._inside(one, rest, kind, guild) for one in typing.cast("list[Payload]", found)]
            made = [one for one in made if one is not None]
        elif isinstance(found, dict):
            made = self._inside(typing.cast("Payload", found), rest, kind, guild)
        else:
            return payload
        return {field: value for field, value in {**payload, name: made}.items() if field != name or made is not None}

    def _inside(self, thing: Payload, path: Sequence[str], kind: str, guild: int | None) -> Payload | None:
        if path:
            return self._at(thing, path, kind, guild)
        if kind == "messages" and "id" in thing and not self._keeps_inside(thing, guild):
            return None
        return self._stripped(kind, thing, guild)

    def _keeps_inside(self, message: Payload, outer: int | None) -> bool:
        guild = message.get("guild_id") or outer  # a message that is replied to has no guild in the payload
        record = ENTITIES["messages"].record(message, guild and int(guild), Origin("gateway", 0, 1, ""))
        return self._keeps(record)

    def stored(self) -> Stored:
        found: dict[tuple[str, Key], Payload] = {}
        for (entity, key), record in self._store.records.items():
            if entity not in (SHARDS, COMPLETENESS, AUTO_MOD_EXECUTIONS):
                apart = (*entity.joins, *entity.secrets)
                found[entity.name, key] = {name: value for name, value in record.payload.items() if name not in apart}
        return found


def _about(change: Change) -> int | None:
    if change.entity is GUILDS and isinstance(change, Put | Patch | Drop):
        return int(change.key[0])
    return None if isinstance(change, DropScope) and change.entity is GUILDS else change.guild_id


_SETTINGS: typing.Final = hypothesis.settings(
    deadline=None,
    database=None,
    phases=[hypothesis.Phase.generate],  # each example costs a database, so don't shrink
    suppress_health_check=list(hypothesis.HealthCheck),
)


async def emptied(url: str) -> None:
    """Delete everything in a database; one in memory vanishes by itself."""
    if url == "memory://":
        return
    store = open_store(url)
    await store.open()
    await store.apply([DropScope(entity, None) for entity in ENTITIES.values()])
    await store.close()


async def _after(
    url: str, guilds: Sequence[Payload], case: Case, happenings: Sequence[Event], *, settled: bool
) -> tuple[Stored, Stored]:
    """Return what is stored after some events, and what should be."""
    naive = _Naive(case)
    for name, payload in (("READY", ready(*guilds)), *(("GUILD_CREATE", guild) for guild in guilds), *happenings):
        naive.hear(name, copy.deepcopy(payload))
    await emptied(url)
    async with Hearing(url, rules=case.rules, settled=settled) as heard:
        await heard.ready(*guilds)
        for name, payload in happenings:
            await heard.hear(name, payload)
        assert heard.cache.quarantine == ()
        return await heard.stored(), naive.stored()


def _differing(stored: Stored, expected: Stored) -> list[object]:
    """Return the differences in a readable form."""
    found: list[object] = []
    for place in sorted({*stored, *expected}, key=repr):
        one, other = stored.get(place), expected.get(place)
        if one is None or other is None:
            if one is not other:
                found.append((place, "is stored" if other is None else "is missing"))
        elif one != other:
            names = {*one, *other}
            found.append(
                (place, {n: (one.get(n, "-"), other.get(n, "-")) for n in names if one.get(n) != other.get(n)})
            )
    return found


def holds(
    url: str,
    guilds: Sequence[Payload],
    cases: st.SearchStrategy[Case],
    happenings: st.SearchStrategy[Happenings],
    examples: int,
) -> None:
    """Fail unless the data stored under rules, whatever happens, is what the naive filter leaves.

    Parameters
    ----------
    url
        The database. All of its data is deleted.
    guilds
        The guilds that the bot is in.
    cases, happenings
        The rules, and the events that may happen.
    examples
        How many combinations to try.
    """

    @hypothesis.settings(_SETTINGS, max_examples=examples)
    @hypothesis.given(cases, happenings, st.booleans())
    def hold(case: Case, happened: Happenings, settled: bool) -> None:  # noqa: FBT001
        differing = _differing(*asyncio.run(_after(url, guilds, case, happened, settled=settled)))
        assert not differing, differing

    hold()
