"""Every store of ours fulfills the contract for third-party stores."""

from __future__ import annotations

import asyncio
import typing

import dict_store
import pytest

from persist import BackendError, Encryption, loading
from persist.locations import sealed
from persist.plugins import open_store
from persist.spi import Store
from persist.sql import SqlStore
from persist.testing import StoreContract


class OfURL(StoreContract):
    url: str

    def make_store(self) -> Store:
        return open_store(self.url)


class TestSqliteFile(OfURL):
    @pytest.fixture(autouse=True)
    def _place(self, sqlite_url: str) -> None:
        self.url = sqlite_url


class TestMemory(OfURL):
    lasting = shared = False
    url = "memory://"


class TestPostgresql(OfURL):
    @pytest.fixture(autouse=True)
    def _place(self, postgresql_url: str) -> None:
        self.url = postgresql_url


class TestPostgresqlJsonb(OfURL):
    @pytest.fixture(autouse=True)
    def _place(self, postgresql_url: str) -> None:
        self.url = f"{postgresql_url}?payload=jsonb&min=2"


class TestMysql(OfURL):
    @pytest.fixture(autouse=True)
    def _place(self, mysql_url: str) -> None:
        self.url = mysql_url


class Encrypted(OfURL):
    key = Encryption.new_key()

    def make_store(self) -> Store:
        pytest.importorskip("cryptography", reason="cryptography is not installed.")
        # The contract queries the texts of these kinds in ways that only plain texts can answer.
        columns = {"users": {"discriminator"}, "members": ()}
        return sealed(open_store(self.url), Encryption({"2026": self.key}, columns=columns))


class TestEncryptedSqliteFile(Encrypted, TestSqliteFile):
    pass


class TestEncryptedMemory(Encrypted, TestMemory):
    pass


class TestEncryptedPostgresql(Encrypted, TestPostgresql):
    pass


class TestEncryptedPostgresqlJsonb(Encrypted, TestPostgresqlJsonb):
    pass


class TestEncryptedMysql(Encrypted, TestMysql):
    pass


class Compressed(OfURL):
    """A store with compression dictionaries from the beginning."""

    @pytest.fixture(autouse=True)
    def _dictionaries(self, _place: None) -> None:
        compression = pytest.importorskip("persist.compression", reason="zstandard is not installed.")
        self.url += f"{'&' if '?' in self.url else '?'}compression=zstd"
        samples = [f'{{"id":"{number}","username":"x","nick":null,"content":""}}'.encode() for number in range(1000)]

        async def note() -> None:
            store = typing.cast("SqlStore", open_store(self.url))
            await store.open()
            for kind in ("users", "members", "messages"):
                await store._keep_dictionary(kind, compression.trained(samples))
            await store.close()

        asyncio.run(note())


class TestCompressedSqliteFile(Compressed, TestSqliteFile):
    pass


class TestCompressedPostgresql(Compressed, TestPostgresql):
    pass


class TestCompressedMysql(Compressed, TestMysql):
    pass


class Loaded(OfURL):
    """A store that loads a few new records in bulk as if there were many."""

    @pytest.fixture(autouse=True)
    def _eager(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(loading, "LEAST", 1)


class TestLoadedPostgresql(Loaded, TestPostgresql):
    pass


class TestLoadedPostgresqlJsonb(Loaded, TestPostgresqlJsonb):
    pass


class TestDictStore(StoreContract):
    @pytest.fixture(autouse=True)
    def _here(self) -> None:
        self._place: dict_store.Place = {}

    def make_store(self) -> Store:
        return dict_store.DictStore(self._place)


class _Immediate(dict_store.DictStore):
    """A store whose methods never let the event loop run."""

    async def _turn(self) -> None:
        if not self._open:
            raise BackendError("the store is not open")


class TestImmediateStore(TestDictStore):
    def make_store(self) -> Store:
        return _Immediate(self._place)
