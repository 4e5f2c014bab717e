"""A warning points at the line of the user's code that caused it, and never at one of ours."""

from __future__ import annotations

import asyncio
import typing
import warnings
from collections.abc import Callable

import bots
import hikari
import pytest

import persist
from persist.callers import stacklevel

_FEW: typing.Final = hikari.Intents.GUILDS
_IN_VAIN: typing.Final = persist.Rules(users=False)


def _made() -> None:
    persist.Cache(bots.make(intents=_FEW), "memory://", rules=_IN_VAIN)


def _subclassed() -> None:
    class Mine(persist.Cache):
        pass

    Mine(bots.make(intents=_FEW), "memory://", rules=_IN_VAIN)


def _resolved() -> None:
    persist.Cache.resolve(bots.make(intents=_FEW))


def _quiet() -> persist.Cache:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return persist.Cache(bots.make(intents=_FEW), "memory://")


async def _on_message(event: hikari.GuildMessageCreateEvent) -> None: ...


def _heard() -> None:
    _quiet().listen()(_on_message)


def _heard_by_type() -> None:
    _quiet().listen(hikari.GuildMessageCreateEvent, confirm=True)(_on_message)


def _heard_with_the_past() -> None:
    @_quiet().listen()
    async def on_edit(event: hikari.GuildMessageUpdateEvent) -> None: ...


def _applied() -> None:
    async def apply() -> None:
        async with _quiet() as cache:
            await cache.apply_rules(_IN_VAIN, dry_run=True)

    asyncio.run(apply())


def _experimental() -> None:
    opentelemetry = pytest.importorskip("persist.integrations.opentelemetry")
    cache = _quiet()
    opentelemetry.install(cache)


@pytest.mark.parametrize(
    ("act", "category"),
    [
        (_made, hikari.MissingIntentWarning),
        (_made, persist.RulesWarning),
        (_subclassed, hikari.MissingIntentWarning),
        (_resolved, hikari.MissingIntentWarning),
        (_heard, hikari.MissingIntentWarning),
        (_heard_by_type, hikari.MissingIntentWarning),
        (_heard_with_the_past, hikari.MissingIntentWarning),
        (_applied, persist.RulesWarning),
        (_experimental, persist.ExperimentalWarning),
    ],
)
def test_a_warning_points_at_the_line_that_brought_it_on(act: Callable[[], None], category: type[Warning]) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        act()
    found = [each for each in told if issubclass(each.category, category)]
    assert found
    assert {each.filename for each in found} == {__file__}


def test_a_warning_of_a_framework_points_at_the_line_that_installs() -> None:
    pytest.importorskip("crescent")
    import crescent  # noqa: PLC0415 - it may not be installed

    from persist.integrations import crescent as ours  # noqa: PLC0415

    bot = bots.make(intents=_FEW)
    with pytest.warns(hikari.MissingIntentWarning) as told:
        ours.install(crescent.Client(bot))
    assert {each.filename for each in told if each.category is hikari.MissingIntentWarning} == {__file__}


def test_a_warning_that_is_an_error_is_raised() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cache = _quiet()
        with pytest.raises(hikari.MissingIntentWarning, match="GuildMessageCreateEvent"):
            cache.listen()(_on_message)


def test_a_line_that_is_not_ours_is_the_first() -> None:
    assert stacklevel() == 1
