"""Scenes for tests of changes: some known objects, and then anything that may happen to them."""

from __future__ import annotations

import typing

import hypothesis.strategies as st

from persist.changes import Amend, Change, Drop, DropScope, Patch, Put, cascade
from persist.conditions import AllOf, AnyOf, Condition, Conditional, Not, Within
from persist.edits import Add, Default, Edit, NoReactions, Part, React, Without
from persist.entities import CHANNELS, EMOJIS, GUILDS, MEMBERS, MESSAGES, ROLES, THREADS, VOICE_STATES
from persist.model import Entity, Key, Origin, Record

__all__ = ("GUILD_IDS", "KINDS", "ORIGIN", "AnyEntity", "Scene", "every_key", "keyed", "keys_of", "scenes")

AnyEntity = Entity[typing.Any]
ORIGIN: typing.Final = Origin("gateway", 0, 1, "2026-01-01 00:00:00.000000")
GUILD_IDS: typing.Final = (1, 2)
_OF_GUILD: typing.Final[dict[AnyEntity, tuple[int, ...]]] = {
    CHANNELS: (10, 12),
    THREADS: (20, 22),
    MESSAGES: (30, 32, 34),
    ROLES: (40,),
    EMOJIS: (50,),
    MEMBERS: (60, 62),
    VOICE_STATES: (60, 62),
}
"""Even ids, to which the number of the guild minus one is added, so that each object always stays in one guild."""

KINDS: typing.Final = (GUILDS, *_OF_GUILD)
Cast = tuple[AnyEntity, ...]
_CASTS: typing.Final[tuple[Cast, ...]] = (
    (THREADS,),
    (MEMBERS,),
    (CHANNELS, THREADS),
    (CHANNELS, THREADS, MESSAGES),
    (MEMBERS, VOICE_STATES),
    (GUILDS, MEMBERS, CHANNELS),
    (EMOJIS, MEMBERS, ROLES),
    (GUILDS, *_OF_GUILD),
)
"""Kinds that appear together in one scene: the fewer there are, the more they interact."""

_EMOJI: typing.Final = ({"id": None, "name": "🐟"}, {"id": "5", "name": "blob"})


def keys_of(entity: AnyEntity, guild_id: int) -> list[Key]:
    if entity is GUILDS:
        return [(guild_id,)]
    ids = [snowflake + guild_id - 1 for snowflake in _OF_GUILD[entity]]
    return [(guild_id, one) for one in ids] if "guild_id" in entity.key else [(one,) for one in ids]


def places_in(guild_id: int) -> st.SearchStrategy[str | None]:
    """Choose a channel or thread of a guild, or none."""
    there = [str(key[0]) for entity in (CHANNELS, THREADS) for key in keys_of(entity, guild_id)]
    return st.sampled_from([*there, None])


def fields_of(entity: AnyEntity, guild_id: int) -> dict[str, st.SearchStrategy[typing.Any]]:
    roles = st.lists(st.sampled_from(["40", "41"]), max_size=2, unique=True)
    reactions = st.lists(st.sampled_from([{"emoji": emoji, "count": 1} for emoji in _EMOJI]), max_size=2)
    channels = st.sampled_from([*(str(key[0]) for key in keys_of(CHANNELS, guild_id)), None])
    return {
        GUILDS: {"name": st.sampled_from("ab"), "unavailable": st.booleans()},
        CHANNELS: {"type": st.sampled_from([0, 15]), "parent_id": channels, "last_message_id": st.just("30")},
        THREADS: {
            "parent_id": channels,
            "thread_metadata": st.fixed_dictionaries({"archived": st.booleans()}),
            "message_count": st.integers(0, 2),
        },
        MESSAGES: {"channel_id": places_in(guild_id), "content": st.sampled_from(["", "x"]), "reactions": reactions},
        ROLES: {"name": st.sampled_from("ab")},
        EMOJIS: {"roles": roles},
        MEMBERS: {"roles": roles, "nick": st.sampled_from(["n", None]), "count": st.integers(0, 2)},
        VOICE_STATES: {"channel_id": channels, "deaf": st.booleans()},
    }[entity]


@st.composite
def payloads_of(draw: st.DrawFn, entity: AnyEntity, guild_id: int) -> dict[str, typing.Any]:
    return draw(st.fixed_dictionaries({}, optional=fields_of(entity, guild_id)))


@st.composite
def edits_of(draw: st.DrawFn, entity: AnyEntity, guild_id: int) -> Edit:
    emoji = st.sampled_from(_EMOJI)
    return draw(
        st.one_of(
            st.builds(Part, payloads_of(entity, guild_id)),
            st.builds(Default, payloads_of(entity, guild_id)),
            st.builds(Without, st.just("roles"), st.sampled_from(["40", "41"])),
            st.builds(Add, st.sampled_from(["message_count", "count"]), st.sampled_from([1, -1])),
            *(
                [
                    st.builds(React, emoji, st.sampled_from([1, -1]), st.booleans(), st.booleans()),
                    st.builds(NoReactions, st.none() | emoji),
                ]
                if entity is MESSAGES
                else []
            ),
        )
    )


@st.composite
def keyed(draw: st.DrawFn, cast: Cast) -> Change:
    """Make a change of one key."""
    entity, guild_id = draw(st.sampled_from(cast)), draw(st.sampled_from(GUILD_IDS))
    key = draw(st.sampled_from(keys_of(entity, guild_id)))
    match draw(st.sampled_from([Put, Patch, Patch, Drop])):
        case change if change is Put:
            return Put(Record(entity, key, _owner(entity, guild_id), draw(payloads_of(entity, guild_id)), ORIGIN))
        case change if change is Patch:
            edits = tuple(draw(st.lists(edits_of(entity, guild_id), min_size=1, max_size=2)))
            return Patch(entity, key, _owner(entity, guild_id), edits, ORIGIN, draw(st.booleans()))
        case _:
            return Drop(entity, key, _owner(entity, guild_id))


def _owner(entity: AnyEntity, guild_id: int) -> int | None:
    """Return the guild that an object belongs to; a guild belongs to none."""
    return guild_id if entity.in_guild else None


@st.composite
def conditions(draw: st.DrawFn, entity: AnyEntity, guild_id: int) -> Conditional:
    last = tuple(entity.key)[-1]
    ids = [key[-1] for key in keys_of(entity, guild_id)]
    columns: list[Conditional] = [
        Condition(last, "equals", ids[0]),
        Condition(last, "is_in", tuple(ids[:1])),
        Condition(last, "on_shard", (0, 2)),
    ]
    channel = 10 + guild_id - 1
    known: dict[AnyEntity, list[Conditional]] = {
        GUILDS: [Condition("is_unavailable", "equals", value=True), Condition("name", "startswith", "a")],
        CHANNELS: [Condition("parent_id", "equals", channel), Condition("type", "is_in", (15,))],
        THREADS: [
            Condition("is_archived", "equals", value=False),
            Condition("parent_id", "is_null"),
            Condition("message_count", "at_most", 1),
        ],
        MESSAGES: [
            Condition("channel_id", "equals", channel),
            Condition("content", "contains", "x"),
            Within(("channel_id",), CHANNELS, (Condition("type", "equals", 15),)),
        ],
        EMOJIS: [Condition("role_ids", "has_id", 40)],
        MEMBERS: [Condition("role_ids", "has_id", 40), Condition("nickname", "is_null")],
        VOICE_STATES: [Within(("guild_id", "user_id"), MEMBERS, (Condition("nickname", "equals", "n"),))],
    }
    condition = draw(st.sampled_from([*columns, *known.get(entity, [])]))
    other = draw(st.sampled_from([*columns, *known.get(entity, [])]))
    return draw(st.sampled_from([condition, Not(condition), AnyOf((condition, other)), AllOf((condition, Not(other)))]))


@st.composite
def scopes(draw: st.DrawFn, cast: Cast) -> list[Change]:
    """Make a change of a scope, or the deletion of some objects with everything that belongs to them."""
    entity, guild_id = draw(st.sampled_from(cast)), draw(st.sampled_from(GUILD_IDS))
    where = tuple(draw(st.lists(conditions(entity, guild_id), max_size=2)))
    within = draw(st.sampled_from([_owner(entity, guild_id), None]))
    match draw(st.sampled_from(["drop", "amend", "cascade"])):
        case "drop":
            return [DropScope(entity, within, where)]
        case "amend":
            return [Amend(entity, within, where, (draw(edits_of(entity, guild_id)),), ORIGIN)]
        case _:
            return [*cascade(entity, within, where), DropScope(entity, within, where)]


class Scene(typing.NamedTuple):
    """What is known at first, and what happens then, in several acts."""

    base: list[Record]
    acts: list[list[Change]]

    @property
    def changes(self) -> list[Change]:
        return [change for act in self.acts for change in act]


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Make a scene."""
    cast = draw(st.sampled_from(_CASTS))
    known = [(entity, guild_id, key) for entity in cast for guild_id in GUILD_IDS for key in keys_of(entity, guild_id)]
    base = [
        Record(entity, key, _owner(entity, guild_id), draw(payloads_of(entity, guild_id)), ORIGIN)
        for entity, guild_id, key in draw(st.lists(st.sampled_from(known), max_size=6, unique_by=str))
    ]
    happening = st.one_of(keyed(cast).map(lambda change: [change]), keyed(cast).map(lambda c: [c]), scopes(cast))
    acts = draw(st.lists(st.lists(happening, max_size=4), min_size=1, max_size=3))
    return Scene(base, [[change for changes in act for change in changes] for act in acts])


def every_key(entity: AnyEntity) -> list[Key]:
    """Return all keys that objects of a kind have in any scene."""
    return [key for guild_id in GUILD_IDS for key in keys_of(entity, guild_id)]
