"""What of hikari's own cache is filled from what is remembered: one row per kind of thing that has a place there."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Collection, Sequence

import hikari

from .entities import (
    CHANNELS,
    DM_CHANNELS,
    EMOJIS,
    GUILDS,
    INVITES,
    MEMBERS,
    MESSAGES,
    OWN_USER,
    ROLES,
    STICKERS,
    THREADS,
)
from .errors import QueryError
from .model import Entity
from .view import key_part

__all__ = ("ROWS", "Row", "Warm", "fillable")

Components = hikari.api.CacheComponents


class Row(typing.NamedTuple):
    """A kind of thing that hikari's cache has a place for."""

    entity: Entity[typing.Any]
    component: hikari.api.CacheComponents
    put: str
    """The method of ``hikari.api.MutableCache`` that takes one."""

    clear: str = ""
    """The method that takes out all of a guild."""

    listed: str = ""
    """Where GUILD_CREATE has all of them. hikari puts these in the place of what it had, unless there are none."""

    needs: hikari.Intents = hikari.Intents.NONE
    """The intents without which nobody would tell when one of them goes."""


ROWS: typing.Final = (
    Row(OWN_USER, Components.ME, "set_me"),
    Row(GUILDS, Components.GUILDS, "set_guild", "delete_guild"),
    Row(ROLES, Components.ROLES, "set_role", "clear_roles_for_guild", "roles"),
    Row(CHANNELS, Components.GUILD_CHANNELS, "set_guild_channel", "clear_guild_channels_for_guild", "channels"),
    Row(THREADS, Components.GUILD_THREADS, "set_thread", "clear_threads_for_guild", "threads"),
    Row(EMOJIS, Components.EMOJIS, "set_emoji", "clear_emojis_for_guild", "emojis"),
    Row(STICKERS, Components.GUILD_STICKERS, "set_sticker", "clear_stickers_for_guild", "stickers"),
    Row(INVITES, Components.INVITES, "set_invite", "clear_invites_for_guild", needs=hikari.Intents.GUILD_INVITES),
    Row(DM_CHANNELS, Components.DM_CHANNEL_IDS, "set_dm_channel_id"),
    Row(MEMBERS, Components.MEMBERS, "set_member", "clear_members_for_guild", needs=hikari.Intents.GUILD_MEMBERS),
    Row(MESSAGES, Components.MESSAGES, "set_message", needs=hikari.Intents.GUILD_MESSAGES),
)
"""Every row, in the order in which they are filled. What is true for one session only is not among them."""


@dataclasses.dataclass(frozen=True, slots=True)
class Warm:
    """Choose what of hikari's own cache is filled when a bot starts.

    Parameters
    ----------
    kinds
        Names of kinds of things, such as ``{"guilds", "roles", "members"}``; all that hikari's cache keeps if this is
        left out.
    guilds
        The guilds, or their ids; all of this bot's if this is left out.
    seconds
        How long the bot may wait for it. What is not there then comes as Discord tells it.

    Raises
    ------
    persist.QueryError
        If a kind is none that hikari's cache has a place for, a guild is none, or ``seconds`` is not above nought.
    """

    kinds: Collection[str] | None = None
    guilds: Collection[hikari.SnowflakeishOr[hikari.PartialGuild]] | None = None
    seconds: float = 60.0

    def __post_init__(self) -> None:
        if self.kinds is not None:
            if not _is_collection(self.kinds):
                msg = f"kinds is a collection of names such as {{'members'}}, not {self.kinds!r}"
                raise QueryError(msg)
            if not self.kinds:
                msg = "kinds names nothing to be filled; leave it out for all of them, or leave out warm"
                raise QueryError(msg)
            known = [row.entity.name for row in ROWS]
            if unknown := [name for name in self.kinds if name not in known]:
                msg = f"hikari's cache has no place for {', '.join(map(repr, unknown))}; it has for {', '.join(known)}"
                raise QueryError(msg)
        if self.guilds is not None:
            if not _is_collection(self.guilds):
                msg = f"guilds is a collection of guilds or their ids, not {self.guilds!r}"
                raise QueryError(msg)
            object.__setattr__(self, "guilds", frozenset(key_part(guild, "a guild to warm") for guild in self.guilds))
        if not _is_number(self.seconds) or not 0 < self.seconds < float("inf"):
            msg = f"seconds is a number above nought, not {self.seconds!r}"
            raise QueryError(msg)

    def includes(self, guild_id: int) -> bool:
        """Tell whether a guild is to be filled."""
        return self.guilds is None or guild_id in self.guilds


def _is_collection(value: object) -> bool:
    return isinstance(value, Collection) and not isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def fillable(warm: object, bot: object) -> tuple[hikari.GatewayBotAware, Warm, Sequence[Row]] | None:
    """Return whose cache is to be filled, with what, and of which kinds that can be; ``None`` if nothing is to be.

    Raises
    ------
    persist.QueryError
        If it is neither a truth value nor :class:`Warm`, or the bot has turned off what is to be filled.
    """
    if warm is False:
        return None
    wish = Warm() if warm is True else warm
    if not isinstance(wish, Warm):
        msg = f"warm is True, False or persist.Warm(...), not {warm!r}"
        raise QueryError(msg)
    if not isinstance(bot, hikari.GatewayBotAware) or not isinstance(bot.cache, hikari.api.MutableCache):
        msg = f"warm=... fills the cache of a hikari.GatewayBot, which {bot!r} does not have; leave warm out"
        raise QueryError(msg)
    rows = [row for row in ROWS if wish.kinds is None or row.entity.name in wish.kinds]
    kept = [row for row in rows if not (why := _why_not(row, bot))]
    if not kept or (wish.kinds is not None and len(kept) < len(rows)):
        why = next(why for row in rows if (why := _why_not(row, bot)))
        raise QueryError(why)
    return bot, wish, kept


def _why_not(row: Row, bot: hikari.GatewayBotAware) -> str:
    components = bot.cache.settings.components
    if not components & row.component:
        return (
            f"warm=... fills hikari's own cache, which this bot has told not to keep {row.entity.name}: its "
            f"CacheSettings are {components}; turn on {row.component}, or leave them out"
        )
    if row.needs & ~bot.intents:
        return (
            f"without the intent {row.needs} nobody would tell hikari's cache which {row.entity.name} go; "
            "give it to the bot, or leave them out"
        )
    return ""
