"""A database can be named by an object instead of a URL, and neither reveals the password."""

from __future__ import annotations

import pytest

import persist
from persist.contract_samples import user
from persist.entities import USERS
from persist.locations import store_of
from persist.spi import Select


def test_an_object_stands_for_a_url() -> None:
    assert persist.PostgreSQLBackend("postgresql://u@h/db").url == "postgresql://u@h/db"
    assert persist.PostgreSQLBackend("postgres://u@h,i/db?min=2", max=3).url == "postgres://u@h,i/db?min=2&max=3"
    assert persist.MySQLBackend("mariadb://u@h/db", sslmode="require", timeout=1.5).url == (
        "mariadb://u@h/db?sslmode=require&timeout=1.5"
    )
    assert persist.SQLiteBackend("a b.db", 1).url == "sqlite:///a%20b.db?timeout=1"
    assert persist.SQLiteBackend("a.db", compression="zstd").url == "sqlite:///a.db?timeout=5&compression=zstd"


def test_an_object_hides_its_password() -> None:
    for backend in (
        persist.PostgreSQLBackend("postgresql://u:s3cret@h:1,i:2/db", max=3),
        persist.MySQLBackend("mysql://u:s3cret@h/db"),
    ):
        assert "s3cret" not in repr(backend)
        assert "s3cret" not in str(backend)
        assert "u:***@h" in repr(backend)


@pytest.mark.parametrize("kind", [persist.PostgreSQLBackend, persist.MySQLBackend])
@pytest.mark.parametrize("dsn", ["sqlite:///s3cret", "s3cret", None, 5])
def test_an_object_that_stands_for_nothing_says_so(kind: type, dsn: object) -> None:
    with pytest.raises(persist.QueryError, match=r"takes a URL such as .*://user:password@host/database") as caught:
        kind(dsn)
    assert "s3cret" not in str(caught.value)


def test_an_option_that_does_not_exist_is_named() -> None:
    pytest.importorskip("asyncpg", reason="asyncpg is not installed.")
    with pytest.raises(persist.URLError, match=r"has no option pool_size; it has: .*host, max"):
        store_of(persist.PostgreSQLBackend("postgresql://h/db", pool_size=3))


async def test_a_store_of_an_object_is_a_store(mysql_url: str) -> None:
    store = store_of(persist.MySQLBackend(mysql_url, max=2))
    await store.open()
    try:
        assert (await store.select(Select(USERS, keys=(user(1).key,)))).records == ()
    finally:
        await store.close()
