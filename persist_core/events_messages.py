"""What events change: messages and what belongs to them."""

from __future__ import annotations

import itertools
import operator
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence

from . import plans
from .changes import Change, Drop, Patch, Put
from .edits import Add, Edit, Inside, NoReactions, Part, React, Vote
from .entities import CHANNELS, DM_CHANNELS, MEMBERS, MESSAGES, THREADS, USERS
from .model import Origin, Payload
from .plans import THREAD_TYPES, Context, Event, Plan, Said, Together, guild_of

__all__ = ("ROWS",)

_DM: typing.Final = 1
_AUTHORS: typing.Final = 10_000
"""How many authors of messages to remember."""

_CHANNEL_TYPES: typing.Final = frozenset((0, 2, 5, 13))
"""The types of guild channels that contain messages and are not threads."""

_OF_A_PLAIN_ONE: typing.Final = 4
"""The number of changes that a message makes if it mentions nobody but its author."""

_GUILD: typing.Final = operator.itemgetter("guild_id")
_UNPRIVILEGED: typing.Final = ("content", "embeds", "attachments", "components")


def _message_create(event: Payload, context: Context) -> Iterable[Change]:
    if plans.is_ephemeral(event):
        return ()
    guild_id, origin = guild_of(event), context.origin
    changes: list[Change] = [Put.of(MESSAGES, event, guild_id, origin)]
    if "webhook_id" not in event:  # the author of a webhook's message is not a user
        changes += _author(event, guild_id, context)
    for user in event.get("mentions") or ():
        known = {name: value for name, value in user.items() if name != "member"}
        changes += plans.member(user.get("member"), known, guild_id, origin)
    channel, kind, last = event["channel_id"], event.get("channel_type"), Part({"last_message_id": event["id"]})
    if guild_id is None:
        return (*changes, _conversation(event, context, last))
    if kind not in THREAD_TYPES:
        changes.append(plans.patch(CHANNELS, channel, guild_id, origin, last))
    if kind is None or kind in THREAD_TYPES:
        # The message that starts a post has the ID of its thread, and is not counted:
        # https://docs.discord.com/developers/resources/channel#channel-object
        grown = (Add("message_count", 1), Add("total_message_sent", 1)) if event["id"] != channel else ()
        changes.append(plans.patch(THREADS, channel, guild_id, origin, last, *grown))
    return changes


def _author(event: Payload, guild_id: int | None, context: Context) -> Sequence[Change]:
    """Return the changes about an author. Few people write most messages, and their author data is always the same."""
    what = guild_id, event["author"], event.get("member")
    known = context.authors.get(what[1]["id"])
    if known is not None and known.what == what:
        return known.changes
    changes = plans.member(what[2], what[1], guild_id, context.origin)
    if len(context.authors) >= _AUTHORS:
        context.authors.clear()
    context.authors[what[1]["id"]] = Said(what, changes)
    return changes


def _message_creates(events: Sequence[Payload], context: Context) -> tuple[Sequence[Change], int]:
    changes: list[Change] = []
    absorbed = 0
    for is_plain, alike in itertools.groupby(events, _is_plain):
        if is_plain:
            plain = list(alike)
            made = _plain(plain, context.origin)
            absorbed += _OF_A_PLAIN_ONE * len(plain) - len(made)
            changes += made
        else:
            for event in alike:
                changes += _message_create(event, context)
    return changes, absorbed


def _is_plain(event: Payload) -> bool:
    """Return whether a message affects only itself, its author as a user and as a member, and its channel."""
    member = event.get("member")
    return (
        bool(member and member.get("joined_at"))
        and not event.get("mentions")
        and event.get("channel_type") in _CHANNEL_TYPES
        and event.get("guild_id") is not None
        and "webhook_id" not in event
        and not plans.is_ephemeral(event)
    )


def _plain(events: Sequence[Payload], origin: Origin) -> Sequence[Change]:
    """Return the changes of plain messages. The last data about each author and channel is what remains."""
    users: dict[str, Payload] = {}
    members: dict[tuple[str, str], Payload] = {}
    channels: dict[str, Payload] = {}
    for event in events:
        guild, author, member = event["guild_id"], event["author"], event["member"]
        user = author["id"]
        users[user] = author
        known = members.get((guild, user))
        members[guild, user] = member if known is None or known.keys() <= member.keys() else {**known, **member}
        channels[event["channel_id"]] = event
    return [
        *(
            put
            for guild, told in itertools.groupby(events, _GUILD)
            for put in Put.all_of(MESSAGES, told, int(guild), origin)
        ),
        *Put.all_of(USERS, users.values(), None, origin),
        *(
            Patch.of(MEMBERS, (int(guild), int(user)), int(guild), (Part(member),), origin, create=True)
            for (guild, user), member in members.items()
        ),
        *(
            plans.patch(CHANNELS, channel, guild_of(last), origin, Part({"last_message_id": last["id"]}))
            for channel, last in channels.items()
        ),
    ]


def _conversation(event: Payload, context: Context, last: Part) -> Change:
    """Note the last message of a direct conversation. A message from another user shows who it is with."""
    channel, author = event["channel_id"], event["author"]
    if event.get("channel_type", _DM) != _DM or "webhook_id" in event or int(author["id"]) == context.me:
        return plans.patch(DM_CHANNELS, channel, None, context.origin, last)
    whole = Part({"id": channel, "type": _DM, "recipients": [author], **last.fields})
    return Patch(DM_CHANNELS, (int(channel),), None, (whole,), context.origin, create=True)


def _is_for(me: int | None, event: Payload) -> bool:
    """Return whether a bot may read a message without the intent: its own, a direct one, or one that mentions it.

    See `Message Content Intent <https://docs.discord.com/developers/events/gateway#message-content-intent>`_.
    """
    if event.get("guild_id") is None:
        return True
    people = (event.get("author"), *(event.get("mentions") or ()))
    return any(person is not None and int(person["id"]) == me for person in people)


def _message_update(event: Payload, context: Context) -> Iterator[Change]:
    """Merge the update. A field that is empty for lack of the MESSAGE_CONTENT intent says nothing."""
    part = event
    if not (context.reads_content or _is_for(context.me, event)):
        part = {name: value for name, value in event.items() if value or name not in _UNPRIVILEGED}
    edits: tuple[Edit, ...] = (Part(part),)
    if (poll := part.get("poll")) and "results" not in poll:  # missing results are not the same as no votes
        edits = (Part({name: value for name, value in part.items() if name != "poll"}), Inside("poll", poll))
    yield plans.patch(MESSAGES, event["id"], guild_of(event), context.origin, *edits)


def _message_delete(event: Payload, context: Context) -> Iterator[Change]:
    guild_id = guild_of(event)
    snowflakes = event["ids"] if "ids" in event else (event["id"],)
    for snowflake in snowflakes:
        yield Drop(MESSAGES, (int(snowflake),), guild_id)
    if guild_id is not None:
        shrunk = Add("message_count", -sum(snowflake != event["channel_id"] for snowflake in snowflakes))
        yield plans.patch(THREADS, event["channel_id"], guild_id, context.origin, shrunk)


def _emoji(event: Payload) -> Payload:
    emoji: Payload = event["emoji"]
    if emoji.get("id") is None and not isinstance(emoji.get("name"), str):
        msg = f"an emoji has an id or a name, but {emoji!r} has neither"
        raise ValueError(msg)
    return emoji


def _react(amount: int) -> Plan:
    def plan(event: Payload, context: Context) -> Iterator[Change]:
        mine = int(event["user_id"]) == context.me
        edit = React(_emoji(event), amount, bool(event.get("burst")), mine)
        yield plans.patch(MESSAGES, event["message_id"], guild_of(event), context.origin, edit)
        if (found := event.get("member")) and "user" in found:
            yield from plans.member(found, found["user"], guild_of(event), context.origin)

    return plan


def _vote(amount: int) -> Plan:
    def plan(event: Payload, context: Context) -> Iterator[Change]:
        edit = Vote(int(event["answer_id"]), amount, int(event["user_id"]) == context.me)
        yield plans.patch(MESSAGES, event["message_id"], guild_of(event), context.origin, edit)

    return plan


def _unreact(event: Payload, context: Context) -> Iterator[Change]:
    edit = NoReactions(None if event.get("emoji") is None else _emoji(event))
    yield plans.patch(MESSAGES, event["message_id"], guild_of(event), context.origin, edit)


ROWS: typing.Final[Mapping[str, Event]] = {
    "MESSAGE_CREATE": Event(
        _message_create,
        "Remembers the message and its author, and that it is the channel's last message.",
        Together(_message_creates, frozenset((USERS, MEMBERS, CHANNELS))),
    ),
    "MESSAGE_UPDATE": Event(
        _message_update, "Merges a known message; content that the bot cannot read does not replace any."
    ),
    "MESSAGE_DELETE": Event(_message_delete, "Forgets the message."),
    "MESSAGE_DELETE_BULK": Event(_message_delete, "Forgets the messages."),
    "MESSAGE_REACTION_ADD": Event(_react(1), "Counts the reaction."),
    "MESSAGE_REACTION_REMOVE": Event(_react(-1), "Counts the reaction down."),
    "MESSAGE_REACTION_REMOVE_ALL": Event(_unreact, "Forgets the reactions."),
    "MESSAGE_REACTION_REMOVE_EMOJI": Event(_unreact, "Forgets the reactions of one emoji."),
    "MESSAGE_POLL_VOTE_ADD": Event(_vote(1), "Counts the vote while the poll is open."),
    "MESSAGE_POLL_VOTE_REMOVE": Event(_vote(-1), "Counts the vote down."),
}
