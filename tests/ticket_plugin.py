"""A plugin that uses every hook: it stores tickets, which are messages that begin with an exclamation mark.

Run as a program, it is a bot with this plugin that receives two tickets and prints what it has stored of them.
"""

from __future__ import annotations

import asyncio
import json
import sys
import typing
from collections.abc import Iterator, Sequence

import hearing
from fakecord import Payload, payloads

import persist
from persist import columns, plans, plugins
from persist.changes import Change, Put
from persist.entities import GUILDS
from persist.model import Entity

HEARD: list[Change] = []

TICKETS: Entity[Payload] = Entity(
    "tickets",
    {"id": "snowflake"},
    lambda payload, _: (int(payload["id"]),),
    {"wish": columns.text("content"), "author_id": columns.snowflake("author.id", index=True)},
    lambda _, record: record.payload,
    owners=((GUILDS, ("guild_id",)),),
    about="What people wish for.",
)


def _ticket(event: Payload, context: plans.Context) -> Iterator[Change]:
    if event["content"].startswith("!"):
        yield Put(TICKETS.record({**event, "wished": True}, int(event["guild_id"]), context.origin))


def _breaks(event: Payload, context: plans.Context) -> Iterator[Change]:
    yield Put(TICKETS.record(event, None, context.origin))
    raise ZeroDivisionError(event["id"])


@persist.hookimpl
def persist_entities() -> Sequence[persist.Addition]:
    events = {
        "MESSAGE_CREATE": plans.Event(_ticket, "Remembers it, if it is a ticket."),
        "MESSAGE_DELETE": plans.Event(_breaks, "Fails."),
    }
    return [persist.Addition(TICKETS, events), persist.Addition(GUILDS)]


@persist.hookimpl
def persist_committed(changes: Sequence[Change]) -> None:
    HEARD.extend(changes)


@persist.hookimpl
def persist_commands(app: typing.Any) -> None:
    @app.command()
    def wishes() -> None:
        """Say that a plugin was here."""
        sys.stdout.write("many\n")


async def main(url: str) -> None:
    """Print what a bot with this plugin has stored."""
    without = plugins.open_store(url)  # a database from before the plugin
    await without.open()
    await without.close()
    plugins.manager().register(sys.modules[__name__], name="tickets")
    guild = payloads.guild(own_user=payloads.own_user(id=hearing.ME), members=2)
    channel = next(channel["id"] for channel in guild["channels"] if channel["type"] == 0)
    wishes = [
        payloads.message(channel, payloads.user(), guild_id=guild["id"], content=text) for text in ("!tea", "no", "!")
    ]
    async with hearing.Hearing(url) as heard:
        await heard.ready(guild)
        for wish in wishes:
            await heard.hear("MESSAGE_CREATE", wish)
        await heard.hear(
            "MESSAGE_DELETE", {name: wishes[1][name] for name in ("id", "guild_id")} | {"channel_id": channel}
        )
        seen = await heard.cache.view(TICKETS).get(int(wishes[0]["id"]))
        await heard.cache.flush()
        found = [ticket["content"] async for ticket in heard.cache.view(TICKETS).find(wish=persist.startswith("!"))]
        messages = await heard.cache.messages.count()
        committed = sorted(
            change.record.payload["content"] for change in HEARD if isinstance(change, Put) and change.entity is TICKETS
        )
        await heard.hear("GUILD_DELETE", {"id": guild["id"]})
        left = await heard.cache.view(TICKETS).count()
        quarantined = len(heard.cache.quarantine)
    said = {
        "seen": seen and seen["content"],
        "found": found,
        "messages": messages,
        "committed": committed,
        "left": left,
        "quarantined": quarantined,
    }
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
