"""A bot with hikari-persist 0.3, in its own environment: ``URL FILE``. It prints when it is ready."""

from __future__ import annotations

import asyncio
import sys

import hikari

import persist
import persist.backend.base

# The release fails to import this name wherever it reads; nothing else is changed.
persist.backend.base.hikari = hikari  # type: ignore[attr-defined]


async def main(rest_url: str, file: str) -> None:
    """Run the bot, which requests all members as hikari does by default."""
    bot = hikari.GatewayBot(
        "OTAw.fake.token",
        rest_url=rest_url,
        intents=hikari.Intents.ALL,
        banner=None,
        logs=None,
        suppress_optimization_warning=True,
    )
    persist.Cache(bot, persist.SQLiteBackend(file))
    await bot.start(check_for_updates=False)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
