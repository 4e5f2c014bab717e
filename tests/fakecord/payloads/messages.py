"""Payloads of all kinds of messages, and of what belongs to them."""

from __future__ import annotations

import typing

from .people import member as make_member
from .people import partial_member
from .people import user as make_user
from .source import SOURCE, Payload, iso, snowflake


def attachment(**fields: typing.Any) -> Payload:
    """Make an attached picture."""
    ident = fields.get("id") or snowflake()
    return {
        "id": ident,
        "filename": "cat.png",
        "size": 20480,
        "title": None,
        "description": None,
        "content_type": "image/png",
        "url": f"https://cdn.discordapp.com/attachments/1/{ident}/cat.png?ex=1&is=2&hm=3",
        "proxy_url": f"https://media.discordapp.net/attachments/1/{ident}/cat.png?ex=1&is=2&hm=3",
        "height": 480,
        "width": 640,
        "placeholder": "3BgGBYAHeXeAd3eEiIiIh2l3gA==",
        "placeholder_version": 1,
        "content_scan_version": 1,
        "flags": 0,
        **fields,
    }


def embed(**fields: typing.Any) -> Payload:
    """Make a rich embed."""
    return {
        "type": "rich",
        "title": "Title",
        "description": "Description of the embed",
        "url": "https://example.com/",
        "color": 16711680,
        "timestamp": iso(),
        "content_scan_version": 1,
        "author": {
            "name": "author",
            "icon_url": "https://example.com/a.png",
            "proxy_icon_url": "https://images-ext-1.discordapp.net/a.png",
        },
        "footer": {"text": "footer"},
        "thumbnail": {
            "url": "https://example.com/t.png",
            "proxy_url": "https://images-ext-1.discordapp.net/t.png",
            "width": 100,
            "height": 100,
            "flags": 0,
        },
        "fields": [
            {"name": "first", "value": "one", "inline": True},
            {"name": "second", "value": "two", "inline": False},
        ],
        **fields,
    }


def button_row(custom_id: str = "press", label: str = "Press") -> Payload:
    """Make a row of components with one button."""
    button = {"type": 2, "id": 2, "style": 1, "label": label, "custom_id": custom_id, "disabled": False}
    return {"type": 1, "id": 1, "components": [button]}


def sticker_item(**fields: typing.Any) -> Payload:
    """Make a sticker as in a message."""
    return {"id": snowflake(), "name": "wave", "format_type": 1, **fields}


def reaction(emoji: Payload, *, count: int = 1, me: bool = False) -> Payload:
    """Make the count of one emoji's normal reactions."""
    return {
        "count": count,
        "count_details": {"burst": 0, "normal": count},
        "me": me,
        "me_burst": False,
        "burst_me": False,
        "burst_count": 0,
        "emoji": emoji,
        "burst_colors": [],
    }


def poll(*answers: str, question: str = "Cats or dogs?", **fields: typing.Any) -> Payload:
    """Make a running poll without votes; its answers are numbered from 1."""
    texts = answers or ("Cats", "Dogs")
    return {
        "question": {"text": question},
        "answers": [
            {"answer_id": number, "poll_media": {"text": text, "emoji": {"id": None, "name": "🐾"}}}
            for number, text in enumerate(texts, 1)
        ],
        "expiry": iso(seconds_later=86400),
        "allow_multiselect": False,
        "layout_type": 1,
        "results": {"is_finalized": False, "answer_counts": []},
        **fields,
    }


def message(
    channel_id: str,
    author: Payload,
    *,
    guild_id: str | None = None,
    member: Payload | None = None,
    rich: bool = False,
    **fields: typing.Any,
) -> Payload:
    """Make a message.

    Parameters
    ----------
    channel_id
        The channel it was sent in.
    author
        The user who sent it.
    guild_id
        The guild of the channel; None for a direct message.
    member
        The author as a member of that guild, with or without its user.
    rich
        Whether to add one of everything: see `everything`.
    **fields
        Fields to set or replace.
    """
    payload: Payload = {
        "id": fields.get("id") or snowflake(),
        "channel_id": channel_id,
        "author": author,
        "content": "hello world",
        "timestamp": iso(),
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "components": [],
        "pinned": False,
        "type": 0,
        "flags": 0,
        "nonce": str(SOURCE.random.getrandbits(60)),
        "channel_type": 0 if guild_id else 1,
    }
    if guild_id is not None:
        payload["guild_id"] = guild_id
        if member is not None:
            payload["member"] = partial_member(member)
    if rich:
        payload |= everything(channel_id, guild_id)
    return payload | fields


def everything(channel_id: str, guild_id: str | None = None) -> Payload:
    """Return message fields with one of everything: reply, mention, embed, attachment, sticker, button, reaction."""
    mentioned = make_user()
    return {
        "attachments": [attachment()],
        "embeds": [embed()],
        "mentions": [{**mentioned, "member": partial_member(make_member(mentioned))}],
        "mention_roles": [snowflake()],
        "reactions": [reaction({"id": None, "name": "🔥"}, count=3)],
        "sticker_items": [sticker_item()],
        "components": [button_row()],
        "position": 3,
        **reply_to(message(channel_id, make_user(), content="the parent"), guild_id),
    }


def reply_to(parent: Payload, guild_id: str | None = None) -> Payload:
    """Return the fields that make a message a reply to another one."""
    reference = {"type": 0, "message_id": parent["id"], "channel_id": parent["channel_id"]}
    if guild_id is not None:
        reference["guild_id"] = guild_id
    shown = {name: value for name, value in parent.items() if name not in ("guild_id", "member")}
    return {"type": 19, "message_reference": reference, "referenced_message": shown}


def webhook_message(channel_id: str, *, guild_id: str, **fields: typing.Any) -> Payload:
    """Make a message by a webhook: its author is not a user, and there is no member."""
    webhook_id = snowflake()
    author = {"id": webhook_id, "username": "Captain Hook", "discriminator": "0000", "avatar": None, "bot": True}
    return message(channel_id, author, guild_id=guild_id, **{"webhook_id": webhook_id, **fields})
