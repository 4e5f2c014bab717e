"""Start a cache on an existing database: ``FILE``. It prints how many milliseconds the first answer took."""

from __future__ import annotations

import asyncio
import sys
import time

import workload

import persist


async def main(file: str) -> float:
    """Read one message."""
    began = time.perf_counter()
    async with persist.Cache(workload.bot(), f"sqlite:///{file}") as cache:
        assert await cache.get_message(int(workload.message(7)["id"])) is not None
        return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    import persist.backends.sqlite  # importing a driver counts, too

    print(asyncio.run(main(sys.argv[1])))
