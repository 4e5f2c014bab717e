"""Run a simulator: python -m fakecord --guilds 2 --members 100."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from .server import FakeDiscord


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fakecord", description="A fake Discord on the loopback interface.")
    parser.add_argument("--port", type=int, default=0, help="where to listen; 0 for any free port")
    parser.add_argument("--seed", type=int, default=0, help="makes ids and choices the same every time")
    parser.add_argument("--guilds", type=int, default=1)
    parser.add_argument("--members", type=int, default=10, help="members of each guild")
    parser.add_argument("--channels", type=int, default=5, help="text channels of each guild")
    parser.add_argument("--roles", type=int, default=4, help="roles of each guild beside @everyone")
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--max-concurrency", type=int, default=16)
    parser.add_argument("--heartbeat", type=int, default=41_250, help="heartbeat interval in milliseconds")
    parser.add_argument("--resume-window", type=float, default=120.0, help="seconds a session outlives its connection")
    parser.add_argument("--token", help="the only token accepted; any unless given")
    return parser.parse_args()


async def _main(arguments: argparse.Namespace) -> None:
    simulator = FakeDiscord(
        seed=arguments.seed,
        token=arguments.token,
        shards=arguments.shards,
        max_concurrency=arguments.max_concurrency,
        heartbeat_interval_ms=arguments.heartbeat,
        resume_window=arguments.resume_window,
    )
    for number in range(arguments.guilds):
        simulator.add_guild(
            name=f"guild {number}",
            members=arguments.members,
            text_channels=arguments.channels,
            roles=arguments.roles,
        )
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await simulator.start(arguments.port)
    sys.stdout.write(f"READY {simulator.rest_url}\n")
    sys.stdout.flush()
    await stop.wait()
    await simulator.stop()


if __name__ == "__main__":
    asyncio.run(_main(_arguments()))
