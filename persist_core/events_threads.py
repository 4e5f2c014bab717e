"""What events change: threads and their members."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping, Sequence

from . import plans
from .changes import Change, Drop, Put
from .conditions import Condition
from .edits import Part
from .entities import CHANNELS, MESSAGES, THREAD_MEMBERS, THREADS
from .events_channels import merge_channel
from .model import Payload
from .plans import ACTIVE, Context, Event, guild_of

__all__ = ("ROWS", "active_threads")

_FORUM_TYPES: typing.Final = (15, 16)
_APART: typing.Final = frozenset(("member", "presence", "guild_id"))
"""Fields of a membership that are separate objects."""


def active_threads(threads: Sequence[Payload], guild_id: int, context: Context, *within: Condition) -> Iterator[Change]:
    """Yield changes that make ``threads`` the only active ones. Archived threads and messages still exist, and stay."""
    listed = plans.listed(threads)
    yield from plans.replace(THREADS, listed, guild_id, context.origin, ACTIVE, *within, sparing=(MESSAGES,))
    for thread in listed:
        yield from _own_membership(thread, guild_id, context)


def _own_membership(thread: Payload, guild_id: int | None, context: Context) -> Iterator[Change]:
    """Yield the bot's own membership from a thread, which in GUILD_CREATE names neither thread nor user."""
    own: Payload = thread.get("member") or {}
    user_id = own.get("user_id", context.me)
    if user_id is None:
        return
    if own:
        payload = {"id": thread["id"], "user_id": str(user_id), **own}
        yield Put.of(THREAD_MEMBERS, payload, guild_id, context.origin)
    else:
        yield Drop(THREAD_MEMBERS, (int(thread["id"]), int(user_id)), guild_id)


def _thread_create(event: Payload, context: Context) -> Iterator[Change]:
    guild_id = guild_of(event)
    yield from merge_channel(THREADS)(event, context)
    if event.get("member"):
        yield from _own_membership(event, guild_id, context)
    if event.get("newly_created"):
        # A new post is the last message of its forum.
        forum = (Condition("id", "equals", int(event["parent_id"])), Condition("type", "is_in", _FORUM_TYPES))
        last = Part({"last_message_id": event["id"]})
        yield plans.amend(CHANNELS, guild_id, context.origin, last, *forum)


def _thread_list_sync(event: Payload, context: Context) -> Iterator[Change]:
    """Make the listed threads the only active ones in the named channels, or in the whole guild."""
    mine = {own["id"]: own for own in event.get("members") or () if "id" in own}
    threads = [{**t, "member": mine[t["id"]]} if t["id"] in mine else t for t in plans.listed(event["threads"])]
    within: tuple[Condition, ...] = ()
    if (channels := event.get("channel_ids")) is not None:
        within = (Condition("parent_id", "is_in", tuple(map(int, channels))),)
    return active_threads(threads, int(event["guild_id"]), context, *within)


def _thread_member_update(event: Payload, context: Context) -> Iterator[Change]:
    guild_id = guild_of(event)
    yield plans.patch(THREADS, event["id"], guild_id, context.origin, Part({"member": event}))
    own = {name: value for name, value in event.items() if name not in _APART}
    yield Put.of(THREAD_MEMBERS, own, guild_id, context.origin)


def _thread_members_update(event: Payload, context: Context) -> Iterator[Change]:
    guild_id, origin = guild_of(event), context.origin
    changed: dict[str, typing.Any] = {}
    if "member_count" in event:
        changed["member_count"] = event["member_count"]
    for added in event.get("added_members") or ():
        if (found := added.get("member")) and "user" in found:
            yield from plans.member(found, found["user"], guild_id, origin)
        payload = {**{name: value for name, value in added.items() if name not in _APART}, "id": event["id"]}
        yield Put.of(THREAD_MEMBERS, payload, guild_id, origin)
        if int(added["user_id"]) == context.me:
            changed["member"] = payload
    for removed in map(int, event.get("removed_member_ids") or ()):
        yield Drop(THREAD_MEMBERS, (int(event["id"]), removed), guild_id)
        if removed == context.me:
            changed["member"] = None
    yield plans.patch(THREADS, event["id"], guild_id, origin, Part(changed))


ROWS: typing.Final[Mapping[str, Event]] = {
    "THREAD_CREATE": Event(_thread_create, "Merges the thread; a new post becomes its forum's last message."),
    "THREAD_UPDATE": Event(merge_channel(THREADS), "Merges the thread, archived or not."),
    "THREAD_DELETE": Event(plans.ended(THREADS), "Forgets the thread with its messages and members."),
    "THREAD_LIST_SYNC": Event(_thread_list_sync, "Replaces the active threads of the named channels, or of the guild."),
    "THREAD_MEMBER_UPDATE": Event(_thread_member_update, "Remembers the bot's own membership."),
    "THREAD_MEMBERS_UPDATE": Event(
        _thread_members_update,
        "Notes the count, and who joined and left. Threads become stale if the bot leaves a private one.",
    ),
}
