"""Which cache the integrations use if none is named."""

from __future__ import annotations

import pathlib
import typing

import bots
import hikari
import pytest

import persist
from persist.integrations.offered import resolved


def rest_bot() -> hikari.RESTBot:
    return hikari.RESTBot(
        bots.TOKEN, "Bot", public_key=b"k" * 32, banner=None, logs=None, suppress_optimization_warning=True
    )


def test_a_cache_that_only_reads_is_not_given_out_nor_another_one(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bot = rest_bot()
    reader = persist.connect("sqlite:///cache.db", bot)
    for given in (None, reader):
        with pytest.raises(persist.QueryError, match="this cache is read-only, and the integration injects"):
            resolved(bot, typing.cast("persist.Cache", given))
    assert persist.Cache.of(bot) is None


def test_what_is_no_cache_is_refused() -> None:
    with pytest.raises(persist.QueryError, match=r"cache must be a persist\.Cache, not 'x'"):
        resolved(rest_bot(), typing.cast("persist.Cache", "x"))
