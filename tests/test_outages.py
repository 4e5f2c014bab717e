"""A store waits for a database that goes away and comes back; for one that cannot be used, it says what to do."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import pathlib
import signal
import typing
from collections.abc import AsyncIterator, Iterator

import pytest
import servers
import yarl
from hearing import Hearing
from stores import opened

from persist import doctor
from persist.changes import Put
from persist.conditions import Condition
from persist.contract_base import keys, one, persistently
from persist.contract_samples import member, user
from persist.entities import MEMBERS, USERS
from persist.errors import BackendError, SchemaError, URLError
from persist.plugins import open_store
from persist.spi import Select, Store

SECRET = "s3cret-w0rd"


async def refused(url: str) -> BackendError:
    """Try to open a store, and return why that failed."""
    store = open_store(url)
    with pytest.raises(BackendError) as caught:
        await store.open()
    await store.close()
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(store)
    assert isinstance(caught.value.__cause__, Exception)
    return caught.value


# ----------------------------------------------------------------------------------------------- while it was in use


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_a_store_goes_on_when_the_server_is_back(place: servers.Place, end: str) -> None:
    async with opened(f"{place.url}?min=4") as store:
        await store.apply([Put(user(1))])
        await asyncio.to_thread(getattr(place.server, end))
        for question in (Select(USERS), Select(USERS, keys=((1,),))):
            with pytest.raises(BackendError) as caught:
                await store.select(question)
            assert caught.value.temporary, caught.value
        with pytest.raises(BackendError) as caught:
            await store.apply([Put(user(2))])
        assert caught.value.temporary, caught.value
        assert "is the server running there" in str(caught.value)
        await asyncio.to_thread(place.server.start)
        await store.apply([Put(user(3))])
        assert sorted(await keys(store, USERS)) == [(1,), (3,)]


async def test_the_first_attempt_after_a_restart_works_or_says_that_the_next_may(place: servers.Place) -> None:
    async with opened(f"{place.url}?min=4") as store:
        await asyncio.gather(*(store.select(Select(USERS)) for _ in range(8)))
        await asyncio.to_thread(place.server.kill)
        await asyncio.to_thread(place.server.start)
        try:
            await store.apply([Put(user(1))])
        except BackendError as error:
            assert error.temporary  # noqa: PT017 - both outcomes are right
            await store.apply([Put(user(1))])
        assert await one(store, user(1)) is not None
        pages = await asyncio.gather(*(store.select(Select(USERS, keys=((1,),))) for _ in range(8)))
        assert all(len(page.records) == 1 for page in pages)


async def test_a_server_that_dies_in_the_middle_of_a_batch_leaves_it_whole_or_not_made(place: servers.Place) -> None:
    async with opened(place.url) as store:
        for attempt, delay in enumerate((0.0, 0.005, 0.02, 0.05)):
            guild_id = attempt + 1
            batch = [Put(member(guild_id, number, nick="x" * 500)) for number in range(5000)]
            task = asyncio.create_task(store.apply(batch))
            await asyncio.sleep(delay)
            await asyncio.to_thread(place.server.kill)
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            await asyncio.to_thread(place.server.start)
            if outcome is not None:
                assert isinstance(outcome, BackendError)
                assert outcome.temporary, outcome
            made = len(await _until_back(store, guild_id))
            assert made in ({5000} if outcome is None else {0, 5000})
            await persistently(store, batch)
            assert len(await _until_back(store, guild_id)) == 5000


async def test_a_connection_that_ends_while_it_waits_to_send_more_costs_no_change(
    postgresql_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    asyncpg = pytest.importorskip("asyncpg")
    batch = [Put(member(1, number, nick="x" * 4000)) for number in range(5000)]
    async with opened(postgresql_url) as store:
        await store.apply([Put(member(1, number)) for number in range(4999, 5100)])
        other = await asyncpg.connect(postgresql_url)
        await other.execute("BEGIN; LOCK TABLE members IN EXCLUSIVE MODE")
        task = asyncio.create_task(store.apply(batch))
        await asyncio.sleep(1)  # until the buffers between here and the server are full
        await other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        (outcome,) = await asyncio.wait_for(asyncio.gather(task, return_exceptions=True), 20)
        assert isinstance(outcome, BackendError)
        assert outcome.temporary, outcome
        await other.close()
        await persistently(store, batch)
        assert len(await keys(store, MEMBERS, guild_id=1)) == 5100
    assert "socket.send()" not in caplog.text


async def test_a_connection_that_ends_under_uvloop_is_a_lost_one(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncpg = pytest.importorskip("asyncpg")
    ended = "unable to perform operation on <TCPTransport closed=True reading=False 0x1>; the handler is closed"
    async with opened(postgresql_url) as store:
        with monkeypatch.context() as patched:  # what uvloop raises where asyncio's transports drop what is written

            async def end(connection: typing.Any, *_: object, **__: object) -> None:
                connection.terminate()
                raise RuntimeError(ended)

            patched.setattr(asyncpg.Connection, "copy_to_table", end)
            with pytest.raises(BackendError, match="the connection has ended") as raised:
                await store.apply([Put(member(1, number)) for number in range(5000)])
        assert raised.value.temporary
        await persistently(store, [Put(member(1, number)) for number in range(5000)])
        assert len(await keys(store, MEMBERS, guild_id=1)) == 5000


async def _until_back(store: Store, guild_id: int) -> list[typing.Any]:
    for _ in range(5):
        with contextlib.suppress(BackendError):
            return await keys(store, MEMBERS, guild_id=guild_id)
    return await keys(store, MEMBERS, guild_id=guild_id)


async def test_questions_that_are_waiting_hear_that_the_server_died(place: servers.Place) -> None:
    async with opened(place.url) as store:
        await store.apply([Put(user(number)) for number in range(100)])
        asked = [asyncio.create_task(store.select(Select(USERS, keys=((number,),)))) for number in range(100)]
        await asyncio.sleep(0)
        await asyncio.to_thread(place.server.kill)
        more = [asyncio.create_task(store.select(Select(USERS, keys=((number,),)))) for number in range(100)]
        for outcome in await asyncio.gather(*asked, *more, return_exceptions=True):
            assert not isinstance(outcome, BaseException) or (isinstance(outcome, BackendError) and outcome.temporary)
        await asyncio.to_thread(place.server.start)
        assert await one(store, user(1)) is not None


_GOODBYE = b"\xff" + (4031).to_bytes(2, "little") + b"#HY000The client was disconnected because of inactivity."


@pytest.mark.parametrize("said", [b"", len(_GOODBYE).to_bytes(3, "little") + b"\0" + _GOODBYE])
async def test_a_connection_that_a_server_ends_because_it_was_idle_is_made_anew(mysql_url: str, said: bytes) -> None:
    async with opened(mysql_url) as store:
        await store.apply([Put(user(1))])
        driver = typing.cast("typing.Any", store)._driver
        (connection,) = driver._pool._idle
        if said:  # by MySQL 8
            connection._reader.feed_data(said)
        else:
            await driver.fetch("SET SESSION wait_timeout = 1")
            with contextlib.suppress(OSError):
                await asyncio.wait_for(connection._reader.read(1), 20)
        assert await keys(store, USERS) == [(1,)]
        assert connection not in driver._pool._idle


async def test_an_answer_out_of_step_costs_a_connection_and_no_change(mysql_url: str) -> None:
    async with opened(mysql_url) as store:
        await store.apply([Put(user(1))])
        driver = typing.cast("typing.Any", store)._driver
        (connection,) = driver._pool._idle
        connection._write_bytes = lambda _: connection._reader.feed_data(b"\1\0\0\7\0")
        with pytest.raises(BackendError) as caught:
            await store.apply([Put(user(2))])
        assert caught.value.temporary, caught.value
        await store.apply([Put(user(2))])
        assert await keys(store, USERS) == [(1,), (2,)]


async def test_closing_while_the_server_is_away_is_quiet(place: servers.Place) -> None:
    async with opened(place.url) as store:
        await store.apply([Put(user(1))])
        await asyncio.to_thread(place.server.kill)


async def test_whoever_gives_up_while_it_connects_has_given_up(place: servers.Place) -> None:
    for moment in range(400):
        store = open_store(place.url)
        task = asyncio.create_task(store.open())
        for _ in range(moment % 40):
            await asyncio.sleep(0)
        given_up = task.cancel()
        await asyncio.wait((task,))
        assert task.cancelled() is given_up, moment
        await store.close()


# ------------------------------------------------------------------------------------------------------ at the opening


def with_parts(url: str, **parts: typing.Any) -> str:
    where = yarl.URL(url)
    for name, value in parts.items():
        where = getattr(where, f"with_{name}")(value)
    return str(where)


async def test_a_server_that_is_down_is_named_with_the_way_out(place: servers.Place) -> None:
    await asyncio.to_thread(place.server.stop)
    error = await refused(with_parts(place.url, password=SECRET))
    assert error.temporary
    assert str(yarl.URL(place.url).port) in str(error)
    assert "is the server running there" in str(error)


@contextlib.contextmanager
def stalled(server: servers.Server) -> Iterator[None]:
    """Stop a server so that its machine still takes connections for it, and nobody says anything on them."""
    assert server._process is not None
    os.kill(server._process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server._process.pid, signal.SIGCONT)


async def test_a_server_that_hangs_is_given_up_in_time(place: servers.Place) -> None:
    with stalled(place.server):
        error = await asyncio.wait_for(refused(f"{place.url}?timeout=1"), 20)
        assert error.temporary
        assert "no answer in time" in str(error)
        where = yarl.URL(place.url)
        several = place.url.replace(f"@{where.host}:{where.port}", f"@{where.host}:{where.port},127.0.0.1:1")
        await asyncio.wait_for(refused(f"{several}?timeout=1"), 20)
    async with opened(place.url):
        pass


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
async def test_a_socket_that_is_not_there_is_named(scheme: str, tmp_path: pathlib.Path) -> None:
    error = await refused(f"{scheme}://bot@:1234/name?host={tmp_path / 'none'}")
    assert str(tmp_path / "none") in str(error)
    assert "is there such a" in str(error)
    assert "localhost" not in str(error)


async def test_a_socket_is_found_by_its_folder_and_port(postgresql_server: servers.Server, postgresql_url: str) -> None:
    where = yarl.URL(postgresql_url)
    async with opened(f"postgresql://persist@:{where.port}{where.path}?host={postgresql_server.site.folder}") as store:
        assert f"{postgresql_server.site.folder}/.s.PGSQL.{where.port}" in store.where


async def test_a_host_that_nobody_knows_is_named(place: servers.Place) -> None:
    error = await refused(with_parts(place.url, host="nobody.invalid", password=SECRET))
    assert not error.temporary
    assert "nobody.invalid" in str(error)
    assert "is the host name right" in str(error)


async def test_a_database_that_is_not_there_is_named(place: servers.Place) -> None:
    error = await refused(with_parts(place.url, path="/no_such_database"))
    assert not error.temporary
    assert "'no_such_database'" in str(error)
    assert "CREATE DATABASE" in str(error)


@pytest.fixture
async def poor(place: servers.Place) -> AsyncIterator[str]:
    """Yield the URL for a user with a password who may connect, and do nothing else."""
    program, home = place.server.program, place.server.url()
    if program is servers.POSTGRESQL:
        name = yarl.URL(place.url).path[1:]
        await program.run(home, f"CREATE ROLE poor LOGIN PASSWORD '{SECRET}'")
        await program.run(place.url, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        end = [(place.url, "DROP OWNED BY poor"), (home, "DROP ROLE poor")]
    else:
        name = yarl.URL(place.url).path[1:]
        await program.run(home, f"CREATE USER poor@'%' IDENTIFIED BY '{SECRET}'")
        await program.run(home, f"GRANT SELECT ON {name}.* TO poor@'%'")
        end = [(home, "DROP USER poor@'%'")]
    yield with_parts(place.url, user="poor", password=SECRET)
    for url, statement in end:
        await program.run(url, statement)


async def test_a_user_who_may_not_make_tables_is_told_what_is_missing(poor: str) -> None:
    error = await refused(poor)
    assert not error.temporary
    assert "'poor'" in str(error)
    assert "GRANT" in str(error)


async def test_a_user_who_may_not_read_the_tables_is_told_what_is_missing(poor: str, place: servers.Place) -> None:
    if place.server.program is servers.MYSQL:
        pytest.skip("There a user without rights on tables is not told that they are there.")
    async with opened(place.url):
        pass
    error = await refused(poor)
    assert "permission denied for table" in str(error)
    assert "SELECT, INSERT, UPDATE, DELETE" in str(error)


async def test_a_wrong_password_is_told_and_not_repeated(mysql_server: servers.Server, mysql_url: str) -> None:
    await servers.MYSQL.run(mysql_server.url(), f"CREATE USER locked@'%' IDENTIFIED BY '{SECRET}'")
    try:
        error = await refused(with_parts(mysql_url, user="locked", password=f"{SECRET}-not"))
    finally:
        await servers.MYSQL.run(mysql_server.url(), "DROP USER locked@'%'")
    assert not error.temporary
    assert "is the password right" in str(error)


async def test_a_wrong_password_is_told_and_not_repeated_by_postgresql(
    postgresql_server: servers.Server, postgresql_url: str
) -> None:
    rules = postgresql_server.site.data / "pg_hba.conf"
    before = rules.read_text(encoding="utf-8")
    await servers.POSTGRESQL.run(postgresql_server.url(), f"CREATE ROLE locked LOGIN PASSWORD '{SECRET}'")
    rules.write_text(f"host all locked all scram-sha-256\n{before}", encoding="utf-8")
    await servers.POSTGRESQL.run(postgresql_server.url(), "SELECT pg_reload_conf()")
    try:
        error = await refused(with_parts(postgresql_url, user="locked", password=f"{SECRET}-not"))
        assert not error.temporary
        assert "is the password right" in str(error)
        error = await refused(with_parts(postgresql_url, user="locked"))
        assert "is the password right" in str(error)
    finally:
        rules.write_text(before, encoding="utf-8")
        await servers.POSTGRESQL.run(postgresql_server.url(), "DROP ROLE locked")
        await servers.POSTGRESQL.run(postgresql_server.url(), "SELECT pg_reload_conf()")


async def test_a_server_that_only_reads_is_told(place: servers.Place) -> None:
    async with opened(place.url) as store:
        await store.apply([Put(user(1))])
    if place.server.program is servers.POSTGRESQL:
        name = yarl.URL(place.url).path[1:]
        on, off = (f"ALTER DATABASE {name} SET default_transaction_read_only = {value}" for value in ("on", "off"))
        url = place.url
    else:
        on, off = (f"SET GLOBAL read_only = {value}" for value in (1, 0))
        await servers.MYSQL.run(place.server.url(), "CREATE USER plain@'%'")
        await servers.MYSQL.run(place.server.url(), f"GRANT ALL ON {yarl.URL(place.url).path[1:]}.* TO plain@'%'")
        url = with_parts(place.url, user="plain")
    await place.server.program.run(place.server.url(), on)
    try:
        async with opened(url) as store:
            assert await keys(store, USERS) == [(1,)]
            with pytest.raises(BackendError, match="this server is read-only: name the primary") as caught:
                await store.apply([Put(user(2))])
            assert caught.value.temporary
            await place.server.program.run(place.server.url(), off)
            await store.apply([Put(user(2))])
    finally:
        await place.server.program.run(place.server.url(), off)
        if place.server.program is servers.MYSQL:
            await servers.MYSQL.run(place.server.url(), "DROP USER plain@'%'")


async def test_rights_that_are_taken_away_from_a_bot_cost_no_change_once_they_are_back(
    poor: str, place: servers.Place
) -> None:
    run, home, name = place.server.program.run, place.server.url(), yarl.URL(place.url).path[1:]
    async with opened(place.url):  # which makes the tables
        pass
    if place.server.program is servers.POSTGRESQL:
        which, where = "ALL ON ALL TABLES IN SCHEMA public {} poor", place.url
    else:
        which, where = f"INSERT, UPDATE, DELETE ON {name}.* {{}} poor@'%'", home
    await run(where, f"GRANT {which.format('TO')}")
    async with opened(f"{poor}?max=1") as store:
        await store.apply([Put(user(1))])
        await run(where, f"REVOKE {which.format('FROM')}")
        if place.server.program is servers.MYSQL:  # which asks what a user may do as a connection is made
            await typing.cast("typing.Any", store)._driver._pool._link.close(await _only(store))
        with pytest.raises(BackendError, match="GRANT") as caught:
            await store.apply([Put(user(2))])
        assert caught.value.temporary
        await run(where, f"GRANT {which.format('TO')}")
        if place.server.program is servers.MYSQL:
            await typing.cast("typing.Any", store)._driver._pool._link.close(await _only(store))
        await store.apply([Put(user(2))])
        assert sorted(await keys(store, USERS)) == [(1,), (2,)]


async def test_the_doctor_looks_at_each_right_to_write(poor: str, place: servers.Place) -> None:
    async with opened(place.url):  # which makes the tables
        pass
    name = yarl.URL(place.url).path[1:]
    whom = "ALL TABLES IN SCHEMA public TO poor" if place.server.program is servers.POSTGRESQL else f"{name}.* TO poor"
    for rights, state in (("SELECT, INSERT, UPDATE", "wrong"), ("DELETE", "fine")):
        await place.server.program.run(place.url, f"GRANT {rights} ON {whom}")
        found = {check.what: check.state async for check in doctor.of_store(open_store(poor))}
        assert found["right to write"] == state


async def _only(store: Store) -> typing.Any:
    (connection,) = typing.cast("typing.Any", store)._driver._pool._idle
    return connection


async def test_a_statement_that_takes_too_long_says_so(place: servers.Place) -> None:
    async with opened(f"{place.url}?statement_timeout=0.2") as store:
        driver = typing.cast("typing.Any", store)._driver
        slow = "SELECT COUNT(*) FROM " + ", ".join(f"information_schema.columns AS c{n}" for n in range(4))
        with pytest.raises(driver.errors) as caught:
            await driver.fetch(slow)
        assert driver.temporary(caught.value)
        assert "it took longer than its time limit" in driver.explain(caught.value)
        await store.apply([Put(user(1))])


_SLOWLY = {
    "postgresql": (
        "CREATE FUNCTION slowly() RETURNS trigger AS 'BEGIN PERFORM pg_sleep(0.02); RETURN NEW; END' LANGUAGE plpgsql",
        "CREATE TRIGGER slowly BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION slowly()",
    ),
    "mysql": ("CREATE TRIGGER slowly BEFORE INSERT ON users FOR EACH ROW SET @slept = SLEEP(0.02)",),
}


async def test_changes_that_take_too_long_together_are_stored_in_parts(place: servers.Place) -> None:
    async with Hearing(f"{place.url}?statement_timeout=0.4") as heard:
        await heard.cache.flush()
        for statement in _SLOWLY[place.server.program.name]:
            await place.server.program.run(place.url, statement)
        heard.accept(*(Put(user(number)) for number in range(60)))
        await asyncio.wait_for(heard.cache.flush(), 30)
        assert await heard.cache.users.count() == 60
        assert heard.cache.quarantine == ()


async def test_more_connections_than_allowed_wait_for_their_turn(place: servers.Place) -> None:
    async with opened(f"{place.url}?max=1") as store:
        await store.apply([Put(user(1))])
        tasks = [store.select(Select(USERS)) for _ in range(20)]
        tasks += [store.select(Select(USERS, keys=((1,),))) for _ in range(20)]
        assert all(len(page.records) == 1 for page in await asyncio.gather(*tasks))


# ------------------------------------------------------------------------------------------------------ several servers


async def test_of_several_servers_the_first_that_answers_is_taken(place: servers.Place) -> None:
    where = yarl.URL(place.url)
    several = place.url.replace(f"@{where.host}:{where.port}", f"@127.0.0.1:1,{where.host}:{where.port}")
    assert several != place.url
    async with opened(several) as store:
        await store.apply([Put(user(1))])
        assert await keys(store, USERS) == [(1,)]
    error = await refused(place.url.replace(f"{where.host}:{where.port}", "127.0.0.1:1,127.0.0.1:2"))
    assert "127.0.0.1:1, 127.0.0.1:2" in str(error)


async def test_of_several_servers_one_that_takes_changes_is_preferred(postgresql_url: str) -> None:
    async with opened(f"{postgresql_url}?target_session_attrs=primary"):
        pass
    error = await refused(f"{postgresql_url}?target_session_attrs=standby")
    assert "target_session_attrs" in str(error)
    assert error.temporary


# -------------------------------------------------------------------------------------------------------------- options


async def test_options_reach_the_server(postgresql_url: str) -> None:
    await servers.POSTGRESQL.run(postgresql_url, 'CREATE SCHEMA "of the bot"')
    options = "synchronous_commit=off&statement_timeout=1.5&schema=of%20the%20bot&min=2&max=2&statement_cache_size=0"
    async with opened(f"{postgresql_url}?{options}&sslmode=disable") as store:
        await store.apply([Put(user(1))])
        driver = typing.cast("typing.Any", store)._driver
        asked = "SELECT current_setting('synchronous_commit'), current_setting('statement_timeout'), current_schema()"
        assert tuple((await driver.fetch(asked))[0]) == ("off", "1500ms", "of the bot")
        assert (await driver.fetch('SELECT COUNT(*) FROM "of the bot"."users"'))[0][0] == 1


async def test_a_schema_that_is_not_there_is_named(postgresql_url: str) -> None:
    error = await refused(f"{postgresql_url}?schema=nowhere")
    assert "CREATE SCHEMA" in str(error)


async def test_payloads_stay_what_they_were_made_as(postgresql_url: str) -> None:
    async with opened(f"{postgresql_url}?payload=jsonb") as store:
        await store.apply([Put(user(1, username="a"))])
    async with opened(postgresql_url) as store:  # it detects the type
        await store.apply([Put(user(2, username="\0"))])
        assert len(await keys(store, USERS)) == 2
    with pytest.raises(SchemaError, match="this database stores payloads as jsonb; leave out"):
        await open_store(f"{postgresql_url}?payload=text").open()


async def test_tls_that_the_server_does_not_have_is_insisted_on(place: servers.Place) -> None:
    if place.server.program.has_tls:
        pytest.skip("This server always has TLS.")
    error = await refused(f"{place.url}?sslmode=require")
    assert "SSL" in str(error) or "TLS" in str(error)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://h/db?nonsense=1", r"postgresql:// has no option nonsense; it has: .*host, max, min, payload"),
        ("mysql://h/db?pool=1&x=2", r"mysql:// has no option pool, x; it has: .*host, max, min, sslcert"),
        ("postgresql://u:{}@h/db?max=0", r"max=0 in postgresql://u:\*\*\*@h/db\?max=0 .* a whole number, 1 or more"),
        ("mysql://u:{}@h/db?timeout=soon", r"timeout=soon in mysql://u:\*\*\*@h/db.* a number of seconds"),
        ("postgresql://u:{}@h/db?sslmode=yes", r"sslmode=yes in .* one of disable, allow, prefer"),
        ("mysql://u:{}@h/", r"mysql://u:\*\*\*@h/ names no database; write mysql://user@host/database"),
        ("postgresql://u:{}@h:port/db", r"postgresql://u:\*\*\*@h:port/db is not a valid URL: .*password quoted"),
        ("postgresql://u:12#{}@h/db", r"postgresql://u/#\*\*\* has a #.* write %23"),
        ("mysql://u:{}@h:1,i:port/db", r"'i:port' in mysql://u:\*\*\*@h:1/db.* is not a host, or a host and a port"),
        ("mysql://u:{}@h/db?sslmode=verify-ca&sslrootcert=/no/such", r"certificates .* cannot be read: .*No such file"),
    ],
)
def test_an_url_that_cannot_be_used_says_why(url: str, said: str) -> None:
    with pytest.raises(URLError, match=said) as caught:
        open_store(url.format(SECRET))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("InternalClientError", "cannot switch to state 15; another operation (2) is in progress"),
        ("InterfaceError", "cannot perform operation: another operation is in progress"),
        ("InterfaceError", "cannot perform operation: another operation is cancelling"),
    ],
)
def test_a_connection_that_is_still_busy_is_told_in_words(kind: str, said: str) -> None:
    asyncpg = pytest.importorskip("asyncpg")
    client = importlib.import_module("persist.backends.postgresql_driver").CLIENT
    error = getattr(asyncpg, kind)(said)
    assert client.told(error).startswith("a connection was still busy with a canceled operation")
    assert client.is_lost(error)
    assert client.is_temporary(error)


async def test_a_row_that_is_refused_is_not_repeated(postgresql_url: str) -> None:
    async with opened(postgresql_url) as store:
        with pytest.raises(BackendError, match="not-null constraint") as caught:
            await store.query(f"INSERT INTO users (id, username) VALUES (1, '{SECRET}')")
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize("options", ["min=1", "statement_cache_size=0"])
async def test_a_value_that_cannot_be_sent_leaves_no_table_locked(postgresql_url: str, options: str) -> None:
    async with opened(f"{postgresql_url}?{options}") as store:
        with pytest.raises(BackendError, match="out of int64 range") as caught:
            await store.select(Select(USERS, where=(Condition("id", "equals", 2**63),)))
        assert not caught.value.temporary
        await servers.POSTGRESQL.run(postgresql_url, "SET lock_timeout = 2000; LOCK TABLE users")
        await store.apply([Put(user(1))])
        assert await keys(store, USERS) == [(1,)]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("InvalidSQLStatementNameError", 'prepared statement "__asyncpg_stmt_9__" does not exist'),
        ("DuplicatePreparedStatementError", 'prepared statement "__asyncpg_stmt_9__" already exists'),
    ],
)
def test_a_connection_that_is_lent_to_others_as_well_costs_no_change(kind: str, said: str) -> None:
    asyncpg = pytest.importorskip("asyncpg")
    client = importlib.import_module("persist.backends.postgresql_driver").CLIENT
    error = getattr(asyncpg, kind)(said)
    assert "PgBouncer" in client.told(error)
    assert "?statement_cache_size=0" in client.told(error)
    assert client.is_lost(error)
    assert client.is_temporary(error)


@pytest.mark.parametrize("said", ["search_path", "in options: search_path"])
def test_what_a_pooler_does_not_pass_on_is_told_with_the_way_out(said: str) -> None:
    asyncpg = pytest.importorskip("asyncpg")
    client = importlib.import_module("persist.backends.postgresql_driver").CLIENT
    separator = " " if said.startswith("in") else ": "
    error = asyncpg.ProtocolViolationError(f"unsupported startup parameter{separator}{said}")
    assert "ALTER ROLE ... SET search_path" in client.told(error)
    assert client.is_refused(error)
