"""A bot's journal in its own process: it accepts changes without end, and reports what the database acknowledges.

Each line of its output is the number of the last stored change. It ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import itertools
import sys

from persist.changes import Put
from persist.entities import MEMBERS, USERS
from persist.errors import BackendError
from persist.gauges import Gauges
from persist.journal import Journal, Limits
from persist.model import Origin
from persist.patience import Patient
from persist.plugins import open_store
from persist.quarantine import Quarantine

_SHARED = 50
"""How many users all processes write, so that they get in each other's way."""


async def main(url: str, guild_id: int) -> None:
    """Flood."""
    store = Patient(open_store(url))  # as a cache does it
    try:
        await store.open()
    except BackendError as error:
        if not error.temporary:
            raise
    gauges = Gauges()
    quarantine = Quarantine(gauges)
    journal = Journal(store, Limits(interval=0.02), gauges, quarantine, lambda: ())
    writer = asyncio.create_task(journal.run())
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    ended = asyncio.create_task(reader.read())
    numbers = itertools.count(1)
    while not ended.done():
        for number in itertools.islice(numbers, 50):
            origin = Origin("gateway", guild_id, 1, journal.at)
            shared = str(number % _SHARED)
            journal.accept(
                [
                    Put(MEMBERS.record({"user": {"id": str(number)}, "nick": str(number)}, guild_id, origin)),
                    Put(USERS.record({"id": shared, "username": f"{guild_id} {number}"}, None, origin)),
                ]
            )
        await journal.flush()
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
    sys.stdout.write(f"quarantined {len(quarantine.kept)} lost {sum(gauges.lost.values())}\n")
    writer.cancel()
    await asyncio.wait([writer])
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
