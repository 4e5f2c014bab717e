"""Connections are encrypted if the URL asks for it, and a server that cannot prove its name is rejected."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import shutil
import subprocess
import typing
from collections.abc import AsyncIterator, Iterator

import pytest
import servers

from persist.changes import Put
from persist.contract_base import one
from persist.contract_samples import user
from persist.errors import BackendError
from persist.plugins import open_store

_ASKED = {
    "postgresql": "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
    "mysql": "SHOW SESSION STATUS LIKE 'Ssl_cipher'",
}


class Papers(typing.NamedTuple):
    """A self-signed certificate for 127.0.0.1."""

    certificate: pathlib.Path
    key: pathlib.Path


def make_papers(papers: Papers) -> Papers:
    papers.key.parent.mkdir()
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-out", papers.certificate, "-keyout", papers.key),
        ],
        check=True,
        capture_output=True,
    )
    return papers


_OPTIONS = {
    "postgresql": ("-c", "ssl=on", "-c", "ssl_cert_file={0.certificate}", "-c", "ssl_key_file={0.key}"),
    "mysql": ("--ssl-cert={0.certificate}", "--ssl-key={0.key}"),
}


@contextlib.contextmanager
def _serving(program: servers.Program) -> Iterator[tuple[servers.Server, Papers]]:
    def serve(site: typing.Any) -> list[typing.Any]:
        return [*program.serve(site), *(option.format(_papers(site)) for option in _OPTIONS[program.name])]

    try:
        server = servers.Server(dataclasses.replace(program, serve=serve))
    except servers.NoServerError as error:
        if os.environ.get("PERSIST_REQUIRE_SERVERS") == "1":
            raise
        pytest.skip(str(error))
    try:
        papers = make_papers(_papers(server.site))
        if server._account is not None:  # a server only uses a key that nobody else can read
            for path in (papers.certificate.parent, *papers):
                shutil.chown(path, user=server._account)
        papers.key.chmod(0o600)
        server.start()
        yield server, papers
    finally:
        server.close()


def _papers(site: typing.Any) -> Papers:
    return Papers(site.folder / "papers" / "certificate.pem", site.folder / "papers" / "key.pem")


@pytest.fixture(scope="module", params=["postgresql", "mysql"])
def _encrypted(request: pytest.FixtureRequest) -> Iterator[tuple[servers.Server, Papers]]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed.")
    pytest.importorskip({"postgresql": "asyncpg", "mysql": "aiomysql"}[request.param])
    with _serving({"postgresql": servers.POSTGRESQL, "mysql": servers.MYSQL}[request.param]) as (server, papers):
        yield server, papers


@pytest.fixture
async def place(_encrypted: tuple[servers.Server, Papers]) -> AsyncIterator[tuple[str, Papers]]:
    server, papers = _encrypted
    async with server.database() as url:
        yield url, papers


@pytest.mark.parametrize("mode", ["disable", "prefer", "require", "verify-ca", "verify-full"])
async def test_what_is_asked_for_is_what_is_done(place: tuple[str, Papers], mode: str) -> None:
    url, papers = place
    root = f"&sslrootcert={papers.certificate}" if mode.startswith("verify") else ""
    store = open_store(f"{url}?sslmode={mode}{root}")
    await store.open()
    try:
        await store.apply([Put(user(1, username=mode))])
        assert await one(store, user(1)) is not None
        driver = typing.cast("typing.Any", store)._driver
        rows = await driver.fetch(_ASKED[url.partition(":")[0]])
        assert bool(rows[0][-1]) == (mode != "disable")
    finally:
        await store.close()


async def test_a_server_with_papers_of_its_own_making_is_not_believed(
    place: tuple[str, Papers], tmp_path: pathlib.Path
) -> None:
    url, _ = place
    other = make_papers(Papers(tmp_path / "other" / "certificate.pem", tmp_path / "other" / "key.pem"))
    with pytest.raises(
        BackendError, match="is its certificate for this host name, and signed by one in sslrootcert"
    ) as caught:
        await open_store(f"{url}?sslmode=verify-full&sslrootcert={other.certificate}").open()
    assert not caught.value.temporary


async def test_a_server_under_another_name_is_not_believed(place: tuple[str, Papers]) -> None:
    url, papers = place
    store = open_store(f"{url.replace('127.0.0.1', 'localhost')}?sslmode=verify-full&sslrootcert={papers.certificate}")
    with pytest.raises(BackendError, match="is its certificate for this host name, and signed by one in sslrootcert"):
        await store.open()
