"""The gateway sessions of a bot's shards: which run now, what that makes true, and how far each has come."""

from __future__ import annotations

import datetime
import time
import typing
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import hikari

from .changes import Change, Patch, Put
from .columns import moment
from .conditions import AllOf, AnyOf, Condition, Conditional, Not
from .entities import MEMBERS, PRESENCES, SHARDS
from .hosts import Host
from .member_chunks import MemberChunks
from .model import Key, Origin, Payload
from .plans import Context

__all__ = ("LATE", "Place", "Session", "Sessions")


LATE: typing.Final[Mapping[str, str]] = {"PRESENCE_UPDATE": PRESENCES.name, "GUILD_MEMBER_UPDATE": MEMBERS.name}
"""Events about a member that may arrive after the member has left, and the kinds that they concern."""

_FIRST: typing.Final = datetime.datetime.fromtimestamp(0, datetime.UTC)
"""The time from which epochs count."""

_MOST_LEFT: typing.Final = 1000
"""How many members who have left recently to remember."""


class Place(typing.NamedTuple):
    """How far a shard has come."""

    shard: hikari.api.GatewayShard
    sequence: int | None
    """The sequence number of the last event."""

    stored: int | None
    """The sequence number up to which everything is in the database."""


class Session:
    """The state of the gateway session of one shard."""

    __slots__ = (
        "chunks",
        "committed",
        "context",
        "epoch",
        "guilds",
        "left",
        "resume_url",
        "session_id",
        "shard",
        "since",
        "stored",
        "waits",
    )

    def __init__(self, shard: hikari.api.GatewayShard, chunks: MemberChunks) -> None:
        self.shard: hikari.api.GatewayShard = shard
        self.chunks: MemberChunks = chunks
        self.epoch: int = 0
        self.since: str = ""
        """When the session began, in the format of a ``time`` column."""

        self.session_id: str | None = getattr(shard, "_session_id", None)
        self.resume_url: str | None = None
        self.stored: int | None = None
        """The sequence number of the last event in the batch that was written last, or is being written."""

        self.committed: int | None = None
        """The sequence number of the last event in the batch before that one."""

        self.context: Context | None = None
        self.guilds: set[int] | None = None
        """The guilds of this shard that the bot is in; ``None`` before READY has listed them."""

        self.left: dict[Key, None] = {}
        """Members who have left a guild recently and have not come back: late events must not recreate them."""

        self.waits: bool = False
        """Whether it has to wait before it may forget guilds that are gone."""

    @property
    def sequence(self) -> int | None:
        """The sequence number of the last event; ``None`` if hikari, which has no public name for it, lacks it."""
        sequence = getattr(self.shard, "_seq", None)
        return sequence if isinstance(sequence, int) else None

    def begin(self, ready: Payload, chunks: MemberChunks) -> None:
        """Begin an epoch: from now on, what this shard sends belongs to a new session."""
        self.epoch = max(time.time_ns() // 1000, self.epoch + 1)
        self.since = moment(_FIRST + datetime.timedelta(microseconds=self.epoch))
        self.session_id = ready.get("session_id")
        self.resume_url = ready.get("resume_gateway_url")
        self.context = None
        self.chunks = chunks
        self.guilds = {int(guild["id"]) for guild in ready["guilds"]}
        self.left.clear()
        self.waits = False

    def is_late(self, name: str, payload: Payload) -> bool:
        """Return whether an event is about a member who has left; Discord still sends presences afterward."""
        return bool(self.left) and name in LATE and _member_in(payload) in self.left

    def without_ghosts(self, changes: Sequence[Change]) -> Sequence[Change]:
        """Return changes that create no member who has left: what mentions a member in passing may arrive late, too."""
        left = self.left
        if not left:
            return changes
        return [
            change._replace(create=False)
            if isinstance(change, Patch) and change.entity is MEMBERS and change.create and change.key in left
            else change
            for change in changes
        ]

    def note(self, name: str, payload: Payload) -> None:
        """Note which guilds the bot joins and leaves, and who leaves them."""
        match name:
            case "GUILD_MEMBER_REMOVE":
                self.left[_member_in(payload)] = None
                if len(self.left) > _MOST_LEFT:
                    del self.left[next(iter(self.left))]
            case "GUILD_MEMBER_ADD":
                self.left.pop(_member_in(payload), None)
            case "GUILD_MEMBERS_CHUNK" if self.left:
                for member in payload["members"]:
                    self.left.pop((int(payload["guild_id"]), int(member["user"]["id"])), None)
            case "GUILD_CREATE" if self.guilds is not None:
                self.guilds.add(guild_id := int(payload["id"]))
                self.left = {key: None for key in self.left if key[0] != guild_id}
            case "GUILD_DELETE" if self.guilds is not None and not payload.get("unavailable"):
                self.guilds.discard(int(payload["id"]))
            case _:
                pass


def _member_in(payload: Payload) -> Key:
    return int(payload["guild_id"]), int(payload["user"]["id"])


class Sessions:
    """The sessions of all shards of one bot.

    Parameters
    ----------
    bot
        The bot.
    lost
        Returns how many changes of members have been lost so far.
    """

    def __init__(self, bot: Host, lost: Callable[[], int]) -> None:
        self._bot = bot if isinstance(bot, hikari.GatewayBotAware) else None
        self._lost = lost
        self._sessions: dict[int, Session] = {}
        self._places: set[Key] = set()
        self.all_started = False
        """Whether all shards of this process have started; before that, any shard may be one of them."""

    def of(self, shard: hikari.api.GatewayShard) -> Session:
        """Return the session of a shard."""
        session = self._sessions.get(shard.id)
        if session is None or session.shard is not shard:
            session = self._sessions[shard.id] = Session(shard, self._follower())
        return session

    def begin(self, shard: hikari.api.GatewayShard, ready: Payload) -> None:
        """Begin an epoch of a shard."""
        self.of(shard).begin(ready, self._follower())

    def _follower(self) -> MemberChunks:
        return MemberChunks(self._lost)

    @property
    def running(self) -> frozenset[int]:
        """The epochs of the running sessions."""
        return frozenset(session.epoch for session in self._sessions.values() if session.epoch)

    def epoch_of(self, guild_id: int | None) -> int:
        """Return the epoch of the session that a guild belongs to; outside guilds, that of the latest session."""
        epochs = [
            session.epoch
            for number, session in self._sessions.items()
            if guild_id is None or (guild_id >> 22) % session.shard.shard_count == number
        ]
        return max(epochs, default=0)

    def ready(self) -> Iterator[Session]:
        """Yield the sessions that know which guilds the bot is in."""
        return (session for session in self._sessions.values() if session.guilds is not None)

    def owns(self, guild_id: int | None) -> bool:
        """Return whether only this process receives the events of a guild, or for ``None`` those outside guilds."""
        heard = {number: session.shard.shard_count for number, session in self._sessions.items() if session.epoch}
        if guild_id is None:
            return bool(heard) and all(len(heard) == count for count in heard.values())
        return any((guild_id >> 22) % count == number for number, count in heard.items())

    def current(self) -> Conditional:
        """Return the condition for ephemeral records to be current: their session runs, or is another process's."""
        if self._bot is None:
            return AllOf(())
        told = AnyOf((Condition("epoch", "is_in", tuple(self.running)), *self._told_since()))
        if not self.all_started or not self._sessions:
            return told
        shards = {shard.id: shard.shard_count for shard in self._bot.shards.values()}
        shards |= {number: session.shard.shard_count for number, session in self._sessions.items()}
        foreign = (Not(Condition("guild_id", "on_shard", shard)) for shard in shards.items())
        return AnyOf((told, AllOf(tuple(foreign))))

    def _told_since(self) -> Iterator[Conditional]:
        """Yield the conditions for something to have been sent since a session of ours began, to any process.

        While one process replaces another, both receive the same events, so that what one has stored holds for the
        other.
        """
        for number, session in self._sessions.items():
            if session.epoch:
                own = Condition("guild_id", "on_shard", (number, session.shard.shard_count))
                yield AllOf((own, Condition("last_updated", "at_least", session.since)))

    # ------------------------------------------------------------------------------------ another number of shards

    def learn(self, places: Collection[Key]) -> None:
        """Learn from the database which shards have written it: pairs of a shard and the number of shards."""
        self._places.update(places)

    def is_resharded(self, shard: hikari.api.GatewayShard) -> bool:
        """Return whether the database was written with another number of shards, and not yet by all of this number."""
        return self.is_mixed(shard.shard_count) and not self.is_whole(shard.shard_count)

    def is_mixed(self, count: int) -> bool:
        """Return whether the database has places of shards with another number of shards."""
        return any(known != count for _, known in self._places)

    def is_whole(self, count: int) -> bool:
        """Return whether each of ``count`` shards has been ready, here or in another process."""
        ready = {(number, s.shard.shard_count) for number, s in self._sessions.items() if s.epoch}
        return all((number, count) in ready or (number, count) in self._places for number in range(count))

    def waiting(self) -> Iterator[Session]:
        """Yield the sessions that wait for all others before they forget what is gone."""
        return (session for session in self._sessions.values() if session.waits)

    def settle(self, count: int) -> None:
        """Note that the database is now written with one number of shards only."""
        self._places = {place for place in self._places if place[1] == count}

    # -------------------------------------------------------------------------------------------------------- places

    def places(self, *, is_writing: bool) -> Iterator[Place]:
        """Yield how far each shard has come.

        Parameters
        ----------
        is_writing
            Whether the last batch is not in the database yet.
        """
        for session in self._sessions.values():
            yield Place(session.shard, session.sequence, session.committed if is_writing else session.stored)

    def positions(self, at: str) -> Iterator[Put]:
        """Yield changes that store how far each shard has come, if that has changed. Called when a new batch begins."""
        for shard_id, session in self._sessions.items():
            sequence, session.committed = session.sequence, session.stored
            if sequence is None or sequence == session.stored:
                continue
            session.stored = sequence
            payload: dict[str, typing.Any] = {
                "shard_id": shard_id,
                "shard_count": session.shard.shard_count,
                "session_id": session.session_id,
                "resume_gateway_url": session.resume_url,
                "sequence": sequence,
                "epoch": session.epoch,
            }
            yield Put.of(SHARDS, payload, None, Origin("gateway", shard_id, session.epoch, at))
