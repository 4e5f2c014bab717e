"""Which parts of hikari's own cache are filled from stored data: one row per kind that hikari caches."""

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
    """A kind that hikari's cache holds."""

    entity: Entity[typing.Any]
    component: hikari.api.CacheComponents
    put: str
    """The method of ``hikari.api.MutableCache`` that takes one."""

    clear: str = ""
    """The method that removes all objects of a guild."""

    listed: str = ""
    """The field of GUILD_CREATE that lists all of them. Unless it is empty, hikari replaces what it has with these."""

    needs: hikari.Intents = hikari.Intents.NONE
    """The intents without which no event says that one is gone."""


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
"""Every row, in the order in which they are filled. Ephemeral kinds are not among them."""


@dataclasses.dataclass(frozen=True, slots=True)
class Warm:
    """Choose what to fill hikari's own cache with when a bot starts.

    Parameters
    ----------
    kinds
        Names of kinds, such as ``{"guilds", "roles", "members"}``; by default all that the bot's cache settings keep.
    guilds
        The guilds, or their ids; by default all of this bot's.
    seconds
        How long the bot may wait for it. What is not filled by then arrives as Discord sends it.

    Raises
    ------
    persist.QueryError
        If hikari's cache does not hold one of the kinds, a guild is not one, or ``seconds`` is not above zero.
    """

    kinds: Collection[str] | None = None
    guilds: Collection[hikari.SnowflakeishOr[hikari.PartialGuild]] | None = None
    seconds: float = 60.0

    def __post_init__(self) -> None:
        if self.kinds is not None:
            if not _is_collection(self.kinds):
                msg = f"kinds must be a collection of names such as {{'members'}}, not {self.kinds!r}"
                raise QueryError(msg)
            if not self.kinds:
                msg = "kinds is empty; leave it out to fill all kinds, or leave out warm to fill none"
                raise QueryError(msg)
            known = [row.entity.name for row in ROWS]
            if unknown := [name for name in self.kinds if name not in known]:
                msg = f"hikari's cache does not hold {', '.join(map(repr, unknown))}; it holds {', '.join(known)}"
                raise QueryError(msg)
        if self.guilds is not None:
            if not _is_collection(self.guilds):
                msg = f"guilds must be a collection of guilds or their ids, not {self.guilds!r}"
                raise QueryError(msg)
            object.__setattr__(self, "guilds", frozenset(key_part(guild, "a guild to warm") for guild in self.guilds))
        if not _is_number(self.seconds) or not 0 < self.seconds < float("inf"):
            msg = f"seconds must be a number above zero, not {self.seconds!r}"
            raise QueryError(msg)

    def includes(self, guild_id: int) -> bool:
        """Return whether to fill a guild."""
        return self.guilds is None or guild_id in self.guilds


def _is_collection(value: object) -> bool:
    return isinstance(value, Collection) and not isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def fillable(warm: object, bot: object) -> tuple[hikari.GatewayBotAware, Warm, Sequence[Row]] | None:
    """Return the bot whose cache to fill, with what, and the rows that can be filled; ``None`` to fill nothing.

    Raises
    ------
    persist.QueryError
        If ``warm`` is neither a bool nor :class:`Warm`, or the bot's cache settings turn off what it names.
    """
    if warm is False:
        return None
    wish = Warm() if warm is True else warm
    if not isinstance(wish, Warm):
        msg = f"warm must be True, False or persist.Warm(...), not {warm!r}"
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
            f"warm=... fills hikari's own cache, and this bot's CacheSettings ({components}) do not keep "
            f"{row.entity.name}; turn on {row.component}, or leave them out"
        )
    if row.needs & ~bot.intents:
        return (
            f"without the intent {row.needs} no event would remove {row.entity.name} from hikari's cache again; "
            "add it to the bot, or leave them out"
        )
    return ""
