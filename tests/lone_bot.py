"""A bot alone in its process, to be killed: `lone_bot.py '{"rest_url": ..., "url": ...}'`.

It prints ``started``, and ``heard TEXT`` for each message that begins with ``!``. Its options:

``cache``       options of the cache
``run``         options of ``bot.run``
``close_on``    close the bot from within a listener when this message arrives
``times``       how often to run it
"""

from __future__ import annotations

import json
import logging
import sys
import typing

import hikari

import persist


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the test reads it


def main(wishes: dict[str, typing.Any]) -> None:
    """Run the bot."""
    logging.basicConfig(level=logging.WARNING)
    bot = hikari.GatewayBot(
        "OTAw.fake.token",
        rest_url=wishes["rest_url"],
        intents=hikari.Intents.ALL,
        auto_chunk_members=False,
        banner=None,
        logs=None,
        suppress_optimization_warning=True,
    )
    cache = persist.Cache(bot, wishes["url"], **wishes.get("cache", {}))

    @bot.listen()
    async def on_started(_: hikari.StartedEvent) -> None:
        _say("started")

    @cache.listen()
    async def on_message(event: hikari.MessageCreateEvent) -> None:
        if event.content is not None and event.content.startswith("!"):
            _say(f"heard {event.content}")
            if event.content == wishes.get("close_on"):
                await bot.close()

    for _ in range(wishes.get("times", 1)):
        bot.run(check_for_updates=False, **wishes.get("run", {}))
        _say(f"ended {sum(cache.gauges.received.values())}")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
