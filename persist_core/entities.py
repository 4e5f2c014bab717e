"""Everything that persist can store: one row per kind of object.

Columns have hikari's names. A kind without a row here is not stored; a row here gives it a table, a view, queries and a
line in the documentation, on every backend. The rows are in files by topic.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping, Sequence

from .kinds_application import COMMAND_PERMISSIONS, ENTITLEMENTS, OWN_APPLICATION, SUBSCRIPTIONS
from .kinds_channels import CHANNELS, DM_CHANNELS, INVITES, STAGE_INSTANCES, THREADS, WEBHOOKS
from .kinds_guilds import EMOJIS, GUILDS, INTEGRATIONS, ROLES, SOUNDBOARD_SOUNDS, STICKERS
from .kinds_messages import MESSAGE_VERSIONS, MESSAGES
from .kinds_moderation import AUDIT_LOG_ENTRIES, AUTO_MOD_EXECUTIONS, AUTO_MOD_RULES
from .kinds_own import COMPLETENESS, ERASURE_KEYS, SHARDS, SUPPRESSIONS
from .kinds_people import BANS, MEMBERS, OWN_USER, PRESENCES, THREAD_MEMBERS, USERS, VOICE_STATES
from .kinds_scheduled import SCHEDULED_EVENT_USERS, SCHEDULED_EVENTS
from .model import METADATA, Entity

__all__ = (
    "AUDIT_LOG_ENTRIES",
    "AUTO_MOD_EXECUTIONS",
    "AUTO_MOD_RULES",
    "BANS",
    "CHANNELS",
    "COMMAND_PERMISSIONS",
    "COMPLETENESS",
    "DM_CHANNELS",
    "EMOJIS",
    "ENTITIES",
    "ENTITLEMENTS",
    "ERASURE_KEYS",
    "GUILDS",
    "INTEGRATIONS",
    "INVITES",
    "JOINED",
    "MEMBERS",
    "MESSAGES",
    "MESSAGE_VERSIONS",
    "OWNED",
    "OWN_APPLICATION",
    "OWN_USER",
    "PRESENCES",
    "ROLES",
    "SCHEDULED_EVENTS",
    "SCHEDULED_EVENT_USERS",
    "SHARDS",
    "SOUNDBOARD_SOUNDS",
    "STAGE_INSTANCES",
    "STICKERS",
    "SUBSCRIPTIONS",
    "SUPPRESSIONS",
    "THREADS",
    "THREAD_MEMBERS",
    "USERS",
    "VOICE_STATES",
    "WEBHOOKS",
    "add",
)

_NAME: typing.Final = re.compile(r"[a-z][a-z0-9_]{0,40}")
_entities: dict[str, Entity[typing.Any]] = {}
_owned: dict[Entity[typing.Any], tuple[tuple[Entity[typing.Any], tuple[str, ...]], ...]] = {}
_joined: dict[Entity[typing.Any], tuple[tuple[Entity[typing.Any], tuple[str, ...]], ...]] = {}

ENTITIES: typing.Final[Mapping[str, Entity[typing.Any]]] = types.MappingProxyType(_entities)
"""Every kind by name, owners before what they own."""

OWNED: typing.Final = types.MappingProxyType(_owned)
"""The kinds deleted along with an object of each kind: the reverse of ``Entity.owners``."""

JOINED: typing.Final = types.MappingProxyType(_joined)
"""The kinds that contain each kind as a part: the reverse of ``Entity.joins``."""


def add(entity: Entity[typing.Any]) -> None:
    """Add a row. Plugins do this with the hook ``persist_entities``, before the first store is created.

    Raises
    ------
    ValueError
        If its name, or a column's, is taken or not valid in a database, or an owner has no row yet.
    """
    if not _NAME.fullmatch(entity.name) or entity.name.startswith("persist_"):
        msg = f"the name of a kind must be lower-case letters, digits and underscores, not {entity.name!r}"
        raise ValueError(msg)
    if entity.name in _entities:
        msg = f"there is already a kind named {entity.name!r}; choose another name"
        raise ValueError(msg)
    if wrong := [name for name in (*entity.key, *entity.columns) if not _NAME.fullmatch(name) or name in _METADATA]:
        msg = f"{entity.name}: no column can be named {', '.join(wrong)}"
        raise ValueError(msg)
    if strange := [owner.name for owner, _ in entity.owners if owner not in _owned]:
        msg = f"{entity.name} belong to {', '.join(strange)}, which have to be added first"
        raise ValueError(msg)
    _entities[entity.name] = entity
    _owned[entity] = _joined[entity] = ()
    for owner, on in entity.owners:
        _owned[owner] += ((entity, on),)
    for part, on in entity.joins.values():
        _joined[part] += ((entity, on),)


_METADATA: typing.Final = frozenset(("payload", *METADATA))

for _entity in typing.cast(
    "Sequence[Entity[typing.Any]]",
    (
        *(USERS, OWN_USER, GUILDS, CHANNELS, THREADS, DM_CHANNELS, ROLES, EMOJIS, STICKERS, MEMBERS),
        *(MESSAGES, MESSAGE_VERSIONS),
        *(VOICE_STATES, PRESENCES, INVITES, THREAD_MEMBERS, STAGE_INSTANCES, WEBHOOKS, BANS),
        *(SOUNDBOARD_SOUNDS, INTEGRATIONS, SCHEDULED_EVENTS, SCHEDULED_EVENT_USERS, AUTO_MOD_RULES),
        *(AUTO_MOD_EXECUTIONS, AUDIT_LOG_ENTRIES, ENTITLEMENTS, SUBSCRIPTIONS, COMMAND_PERMISSIONS),
        *(OWN_APPLICATION, SHARDS, COMPLETENESS, ERASURE_KEYS, SUPPRESSIONS),
    ),
):
    add(_entity)
