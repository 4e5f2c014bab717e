"""What to remember, as a value: of each kind everything, nothing, or what a :class:`Keep` selects."""

from __future__ import annotations

import dataclasses
import functools
import operator
import os
import pathlib
import types
import typing
from collections.abc import Callable, Collection, Mapping, Sequence

import hikari

from . import hooks, retention, rules_toml
from .answers import answer, is_function_of_one, named
from .entities import COMPLETENESS, ENTITIES, ERASURE_KEYS, OWN_APPLICATION, SHARDS, SUPPRESSIONS
from .errors import QueryError
from .judge import check
from .keep import Keep, hash_of, shown
from .objects import AutoModExecution, SoundboardSound, Subscription

__all__ = ("KINDS", "OWN", "Kept", "Rules", "checked")

T = typing.TypeVar("T")
Kept: typing.TypeAlias = Keep[T] | bool | None
"""Some of a kind, all or none of it, or ``None`` for the default."""

PerGuild = Callable[[hikari.Snowflake], "Rules | None"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Rules:
    """Choose what to remember. Kinds that are not mentioned are kept, except those that grow without end.

    Each kind has a parameter, such as ``messages``: ``True`` keeps all of it, ``False`` none, a :class:`Keep` some.
    The kinds ``audit_log_entries`` and ``auto_mod_executions`` are kept only if they are mentioned.

    A :class:`Keep` for guilds also applies to everything in them: what belongs to a guild that is not kept is not kept
    either. Every other rule applies to its own kind only. ``guilds=False`` keeps no guild objects, but what is in
    guilds is kept.

    Rules can be combined: ``one & other`` keeps what both keep, ``one | other`` what either keeps, and ``~one`` what
    ``one`` does not. ``guilds=False`` cannot be combined with a :class:`Keep` for guilds, as no single rule means both.

    Parameters
    ----------
    off, on
        Names of kinds, as a shorthand: ``off={"presences"}`` means ``presences=False``, and
        ``on={"audit_log_entries"}`` means ``audit_log_entries=True``.
    others
        The same for kinds that plugins have added, by name.
    per_guild
        Takes the id of a guild and returns the rules for what is in it, or ``None`` to use these ones; for bots with
        different plans. It is called once per guild, and again after :meth:`persist.Cache.apply_rules`.

    Raises
    ------
    persist.QueryError
        If a kind does not exist, is both on and off, or its rule does not fit it.
    """

    off: Collection[str] = frozenset()
    on: Collection[str] = frozenset()
    users: Kept[hikari.User] = None
    own_user: Kept[hikari.OwnUser] = None
    guilds: Kept[hikari.GatewayGuild] = None
    channels: Kept[hikari.PermissibleGuildChannel] = None
    threads: Kept[hikari.GuildThreadChannel] = None
    roles: Kept[hikari.Role] = None
    emojis: Kept[hikari.KnownCustomEmoji] = None
    stickers: Kept[hikari.GuildSticker] = None
    members: Kept[hikari.Member] = None
    messages: Kept[hikari.Message] = None
    message_versions: Kept[hikari.Message] = None
    voice_states: Kept[hikari.VoiceState] = None
    presences: Kept[hikari.MemberPresence] = None
    invites: Kept[hikari.InviteWithMetadata] = None
    thread_members: Kept[hikari.ThreadMember] = None
    stage_instances: Kept[hikari.StageInstance] = None
    webhooks: Kept[hikari.PartialWebhook] = None
    dm_channels: Kept[hikari.PrivateChannel] = None
    bans: Kept[hikari.GuildBan] = None
    soundboard_sounds: Kept[SoundboardSound] = None
    integrations: Kept[hikari.Integration] = None
    scheduled_events: Kept[hikari.ScheduledEvent] = None
    scheduled_event_users: Kept[hikari.ScheduledEventUser] = None
    auto_mod_rules: Kept[hikari.AutoModRule] = None
    auto_mod_executions: Kept[AutoModExecution] = None
    audit_log_entries: Kept[hikari.AuditLogEntry] = None
    entitlements: Kept[hikari.Entitlement] = None
    subscriptions: Kept[Subscription] = None
    command_permissions: Kept[hikari.GuildCommandPermissions] = None
    others: Mapping[str, Kept[typing.Any]] = dataclasses.field(default_factory=dict[str, "Kept[typing.Any]"])
    per_guild: PerGuild | None = None

    def __post_init__(self) -> None:
        for side in ("off", "on"):
            object.__setattr__(self, side, _names(side, getattr(self, side)))
        if both := sorted({*self.off} & {*self.on}):
            msg = f"{', '.join(both)} cannot be both on and off; name it once"
            raise QueryError(msg)
        _check_others(self.others)
        if self.per_guild is not None and not is_function_of_one(self.per_guild):
            msg = f"per_guild must be a function, not async, that takes the id of a guild, not {self.per_guild!r}"
            raise QueryError(msg)
        self._settle()

    def _settle(self) -> None:
        """Normalize: store each choice under its kind, not in ``on`` or ``off``, and leave out the defaults."""
        said = {name: self._said(name) for name in ENTITIES}
        for name in KINDS:
            object.__setattr__(self, name, said[name])
        others = {name: kept for name, kept in said.items() if name not in KINDS and kept is not None}
        object.__setattr__(self, "off", frozenset(name for name, kept in said.items() if kept is False))
        object.__setattr__(self, "on", frozenset(name for name, kept in said.items() if kept is True))
        object.__setattr__(self, "others", types.MappingProxyType(others))

    def _said(self, name: str) -> Kept[typing.Any]:
        kept: Kept[typing.Any] = getattr(self, name) if name in KINDS else self.others.get(name)
        if not (kept is None or isinstance(kept, bool | Keep)):
            msg = f"{name} must be True, False or a persist.Keep, not {kept!r}"
            raise QueryError(msg)
        if isinstance(kept, Keep):
            retention.bounds_of(ENTITIES[name], kept)
        if name in self.off and kept not in (None, False):
            msg = f"{name} cannot be both off and {kept!r}; choose one of them"
            raise QueryError(msg)
        if name in self.on and kept is False:
            msg = f"{name} cannot be both on and False; choose one of them"
            raise QueryError(msg)
        if kept is None and name in (*self.off, *self.on):
            kept = name in self.on
        if isinstance(kept, Keep):
            check(ENTITIES[name], kept)
            kept = kept == _ALL if kept in (_ALL, _NONE) else kept
        return None if kept is (not ENTITIES[name].opt_in) else kept

    def __hash__(self) -> int:
        return hash_of(self)

    def __repr__(self) -> str:
        return shown(self, without=("off", "on"))

    def __and__(self, other: Rules) -> Rules:
        return _combined(self, other, _both) if isinstance(other, Rules) else NotImplemented  # pyright: ignore[reportUnnecessaryIsInstance]

    def __or__(self, other: Rules) -> Rules:
        return _combined(self, other, _either) if isinstance(other, Rules) else NotImplemented  # pyright: ignore[reportUnnecessaryIsInstance]

    def __invert__(self) -> Rules:
        return _combined(self, self, _neither)

    @classmethod
    def everything(cls) -> Rules:
        """Return rules that keep everything, including what grows without end."""
        return cls(on=frozenset(name for name, entity in ENTITIES.items() if entity.opt_in))

    @classmethod
    def minimal(cls) -> Rules:
        """Return rules that keep only guilds, channels, threads, roles and the bot's own user."""
        return cls(off=frozenset(KINDS) - _MINIMAL)

    @classmethod
    def no_message_content(cls) -> Rules:
        """Return rules that keep who wrote each message, where and when, but nothing of its content."""
        return cls(messages=Keep(drop=_CONTENT))

    @classmethod
    def moderation_log(cls) -> Rules:
        """Return rules that keep what moderators look up: who is where, who wrote what, and how it was moderated."""
        return cls(
            on=frozenset(("audit_log_entries", "auto_mod_executions")), off=frozenset(KINDS) - _MINIMAL - _MODERATION
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Rules:
        """Read rules from a file such as ``persist.toml``.

        Functions are written as ``"module:function"`` and imported, from the file's own folder first.

        Raises
        ------
        persist.QueryError
            If there is no such file, or it does not hold valid rules.
        """
        file = pathlib.Path(path)
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or error
            msg = f"the rules cannot be read from {str(file)!r}: {reason}; is the path right, and is it a text file?"
            raise QueryError(msg) from error
        return cls._read(text, file.resolve().parent)

    @classmethod
    def from_toml(cls, text: str) -> Rules:
        """Parse the rules that :meth:`to_toml` returned.

        Raises
        ------
        persist.QueryError
            If the text does not hold valid rules.
        """
        return cls._read(text, None)

    @classmethod
    def _read(cls, text: str, where: pathlib.Path | None) -> Rules:
        said = rules_toml.read(text, where)
        others = {name: said.pop(name) for name in said.keys() - {*KINDS, "per_guild"}}
        return cls(**said, others=others)

    def to_toml(self) -> str:
        """Return these rules as TOML, to read and to compare.

        Raises
        ------
        persist.QueryError
            If a function in them cannot be imported by name, such as a lambda.
        """
        names = (*KINDS, *self.others)
        kinds = {name: getattr(self, name) if name in KINDS else self.others[name] for name in names}
        return rules_toml.written(kinds, self.per_guild)

    def dump(self, path: str | os.PathLike[str]) -> None:
        """Write these rules to a file, replacing its contents.

        Raises
        ------
        persist.QueryError
            If a function in them cannot be imported by name, such as a lambda. Nothing is written then.
        """
        text = self.to_toml()
        pathlib.Path(path).write_text(text, encoding="utf-8")

    def of(self, kind: str) -> Keep[typing.Any] | bool:
        """Return what is kept of a kind: ``True`` for all, ``False`` for nothing, or a :class:`Keep`."""
        kept: Kept[typing.Any] = getattr(self, kind) if kind in KINDS else self.others.get(kind)
        return (not ENTITIES[kind].opt_in) if kept is None else kept

    def for_guild(self, guild_id: int) -> Rules:
        """Return the rules for what is in a guild.

        Raises
        ------
        persist.QueryError
            If ``per_guild`` raises, is async or returns something else.
        """
        own = None if self.per_guild is None else self._asked(self.per_guild, guild_id)
        if own is not None and not isinstance(own, Rules):  # pyright: ignore[reportUnnecessaryIsInstance]
            msg = f"per_guild must return persist.Rules or None, but for guild {guild_id} it returned {own!r}"
            raise QueryError(msg)
        return self if own is None else own

    @staticmethod
    def _asked(per_guild: PerGuild, guild_id: int) -> Rules | None:
        try:
            return answer(per_guild, hikari.Snowflake(guild_id))
        except Exception as error:
            if isinstance(per_guild, _Combined) and isinstance(error, QueryError):
                raise  # it names the function that raises
            what = f"per_guild, which is {named(per_guild)}, raises {error!r}"
            msg = f"{what} for guild {guild_id}; fix it"
            raise QueryError(msg) from error


KINDS: typing.Final = tuple(field.name for field in dataclasses.fields(Rules) if field.name in ENTITIES)
"""The kinds with a parameter of their own: all but those of plugins and the cache's own notes."""

_MINIMAL: typing.Final = frozenset(("guilds", "channels", "threads", "roles", "own_user"))
_MODERATION: typing.Final = frozenset(
    ("users", "members", "messages", "bans", "invites", "auto_mod_rules", "auto_mod_executions", "audit_log_entries")
)
_CONTENT: typing.Final = frozenset(("content", "embeds", "attachments", "components", "poll"))
OWN: typing.Final = frozenset(
    entity.name for entity in (OWN_APPLICATION, SHARDS, COMPLETENESS, ERASURE_KEYS, SUPPRESSIONS)
)
"""Kinds that rules do not apply to: the cache's own notes."""


_ALL: typing.Final[Keep[typing.Any]] = Keep()
_NONE: typing.Final[Keep[typing.Any]] = ~_ALL

Whole = Keep[typing.Any] | bool
Combine = Callable[[Whole, Whole], Whole]


@dataclasses.dataclass(frozen=True, slots=True)
class _Combined:
    """Combines what two rules say about a guild."""

    one: Rules
    other: Rules
    combine: Combine

    def __call__(self, guild_id: hikari.Snowflake) -> Rules:
        return _combined(self.one.for_guild(guild_id), self.other.for_guild(guild_id), self.combine)


def _combined(one: Rules, other: Rules, combine: Combine) -> Rules:
    guilds = [kept for kept in (one.guilds, other.guilds) if isinstance(kept, Keep)]
    if guilds and False in (one.guilds, other.guilds):
        # No single value means both: one limits everything in guilds, and the other only guilds themselves.
        msg = (
            f"guilds=False and guilds={guilds[0]!r} cannot be combined: the Keep also applies to everything in the "
            "guilds, and guilds=False does not; choose one of them"
        )
        raise QueryError(msg)
    names = dict.fromkeys((*KINDS, *one.others, *other.others))
    kinds = {name: combine(one.of(name), other.of(name)) for name in names if name not in OWN}
    others = {name: kept for name, kept in kinds.items() if name not in KINDS}
    own: dict[str, typing.Any] = {name: kept for name, kept in kinds.items() if name in KINDS}
    asked = one.per_guild is not None or other.per_guild is not None
    return Rules(**own, others=others, per_guild=_Combined(one, other, combine) if asked else None)


def _both(one: Whole, other: Whole) -> Whole:
    if isinstance(one, Keep) and isinstance(other, Keep):
        return one & other
    return other if one is True else one and (one if other is True else other)


def _either(one: Whole, other: Whole) -> Whole:
    if isinstance(one, Keep) and isinstance(other, Keep):
        return one | other
    return True if True in (one, other) else one or other


def _neither(one: Whole, _: Whole) -> Whole:
    return ~one if isinstance(one, Keep) else not one


def checked(rules: object) -> Rules:
    """Return rules; for several, rules that keep what all of them keep.

    Raises
    ------
    persist.QueryError
        If the argument is not rules.
    """
    several = typing.cast("Sequence[object]", rules) if isinstance(rules, list | tuple) else (rules,)
    found = [one for one in several if isinstance(one, Rules)]
    if not found or len(found) != len(several):
        msg = f"rules must be persist.Rules, or a list of them, not {rules!r}"
        raise QueryError(msg)
    return functools.reduce(operator.and_, found)


def _names(side: str, names: object) -> frozenset[str]:
    if not (isinstance(names, Collection) and not isinstance(names, str) and all(isinstance(n, str) for n in names)):
        msg = f"{side} must be a collection of names such as {{'presences'}}, not {names!r}"
        raise QueryError(msg)
    found = frozenset(typing.cast("Collection[str]", names))
    _check_known(found, f"to turn {side}")
    return found


def _check_others(others: object) -> None:
    if not isinstance(others, Mapping) or not all(isinstance(name, str) for name in others):
        msg = f"others must be a mapping from names of kinds that plugins have added, not {others!r}"
        raise QueryError(msg)
    named = frozenset(typing.cast("Mapping[str, object]", others))
    _check_known(named, "that a plugin has added")
    if own := sorted(named & {*KINDS}):
        msg = f"{', '.join(own)} has a parameter of its own; write Rules({own[0]}=...)"
        raise QueryError(msg)


def _check_known(names: frozenset[str], what: str) -> None:
    if not names <= ENTITIES.keys():
        hooks.add()  # a plugin may add them, and no store has been made yet
    if unknown := sorted(names - ENTITIES.keys()):
        msg = f"there is nothing called {', '.join(unknown)} {what}; there is: {', '.join(sorted({*ENTITIES} - OWN))}"
        raise QueryError(msg)
    if notes := sorted(names & OWN):
        msg = f"rules do not apply to {', '.join(notes)}: these are the cache's own notes; leave them out"
        raise QueryError(msg)
