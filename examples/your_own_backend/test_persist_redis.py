"""Checks that the Redis store fulfills persist's contract. Uses the server at ``REDIS_URL``, or starts its own."""

from __future__ import annotations

import os
import pathlib
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator

import pytest
import redis

import persist
from persist.plugins import open_store
from persist.testing import StoreContract


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if "REDIS_URL" in os.environ:
        yield os.environ["REDIS_URL"]
        return
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed, and REDIS_URL names no server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder: pathlib.Path = tmp_path_factory.mktemp("redis")
    process = subprocess.Popen([program, "--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""])
    url = f"redis://127.0.0.1:{port}/0"
    try:
        _wait_for(url)
        yield url
    finally:
        process.kill()
        process.wait()


def _wait_for(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        for _ in range(200):
            try:
                client.ping()
            except redis.ConnectionError:
                time.sleep(0.05)
            else:
                return
    raise TimeoutError("redis-server does not answer")


class TestRedis(StoreContract):
    @pytest.fixture(autouse=True)
    def _place(self, server: str) -> Iterator[None]:
        prefix = f"test {uuid.uuid4()}:"
        self.url = f"{server}?prefix={prefix}"
        yield
        with redis.Redis.from_url(server) as client:
            for name in client.scan_iter(match=f"{prefix}*", count=1000):
                client.delete(name)

    def make_store(self) -> persist.Store:
        return open_store(self.url)


async def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(persist.URLError, match=r"no option tpyo; it has: max, prefix, timeout"):
        open_store("redis://localhost/0?tpyo=1")


async def test_a_server_that_is_away_is_named_without_its_password() -> None:
    store = open_store("redis://bot:secret@127.0.0.1:1/0")
    with pytest.raises(persist.BackendError, match=r"127\.0\.0\.1:1") as raised:
        await store.open()
    assert raised.value.temporary
    assert "secret" not in str(raised.value)


async def test_a_database_of_a_later_version_is_refused(server: str) -> None:
    prefix = f"test {uuid.uuid4()}:"
    with redis.Redis.from_url(server) as client:
        client.set(f"{prefix}layout", 99)
        with pytest.raises(persist.SchemaError, match="upgrade persist-redis"):
            await open_store(f"{server}?prefix={prefix}").open()
        client.delete(f"{prefix}layout")
