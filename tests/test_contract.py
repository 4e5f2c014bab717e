"""Every store keeps the contract that strangers' stores are held to."""

from __future__ import annotations

import dict_store
import pytest

from persist.plugins import open_store
from persist.spi import Store
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


class TestDictStore(StoreContract):
    @pytest.fixture(autouse=True)
    def _here(self) -> None:
        self._place: dict_store.Place = {}

    def make_store(self) -> Store:
        return dict_store.DictStore(self._place)
