"""Calling plugins so that none of them can break a bot: any exception is logged once, with the name of the plugin.

A plugin is a module or an object with functions decorated with ``persist.hookimpl``. It is found as an entry point in
the group ``persist.plugins``, or registered by hand: ``persist.plugins.manager().register(plugin)``.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging
import time
import typing
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

import pluggy

from . import entities, events
from .changes import Change
from .model import Payload
from .plans import Context, Event, Plan
from .plugins import manager
from .spi import Addition

__all__ = ("GROUP", "add", "committed", "results", "timed", "took")

GROUP: typing.Final = "persist.plugins"

_LOG = logging.getLogger("persist.plugins")
_SLOW: typing.Final = 0.02
_found: dict[str, object] = {}
_added: set[int] = set()
_told: set[tuple[str, str]] = set()

T = typing.TypeVar("T")


def add() -> None:
    """Find installed plugins, and add the entities and events of those that have not been called yet.

    This happens before the first store is created, so that all of them have the same kinds.
    """
    for point in importlib.metadata.entry_points(group=GROUP):
        if point.value not in _found:
            _found[point.value] = _guarded(point.value, "import", lambda point=point: _register(point))  # type: ignore[misc]
    for implementation in _implementations("persist_entities"):
        if id(implementation.plugin) not in _added:
            _added.add(id(implementation.plugin))
            name = implementation.plugin_name
            additions: Sequence[Addition] = _called(implementation, {}) or ()
            for addition in additions:
                _guarded(name, "persist_entities", lambda name=name, row=addition: _add(name, row))  # type: ignore[misc]


def _register(point: importlib.metadata.EntryPoint) -> object:
    plugin = point.load()
    if not manager().is_registered(plugin):
        manager().register(plugin, name=point.value)
    return plugin


def _add(name: str, addition: Addition) -> None:
    entities.add(addition.entity)
    for event, row in addition.events.items():
        events.add(event, Event(_guarded_plan(name, event, row.plan), row.about))


def _guarded_plan(name: str, event: str, plan: Plan) -> Plan:
    def guarded(payload: Payload, context: Context) -> Iterable[Change]:
        # All of a plugin's changes for an event, or none; our own do not depend on them.
        return _guarded(name, event, lambda: list(plan(payload, context))) or ()

    return guarded


def committed(changes: Sequence[Change]) -> None:
    """Pass changes that have just been stored to plugins."""
    for implementation in _implementations("persist_committed"):
        began = time.perf_counter()
        _called(implementation, {"changes": changes})
        took = time.perf_counter() - began
        if took > _SLOW and _is_new(implementation.plugin_name, "slow"):
            _LOG.warning(
                "the plugin %s blocked the bot for %.0f ms in persist_committed; move slow work into a task",
                implementation.plugin_name,
                took * 1000,
            )


def took(what: str, began: float, seconds: float, facts: Mapping[str, str | int]) -> None:
    """Pass the timing of an operation to plugins."""
    for implementation in _implementations("persist_timed"):
        _called(implementation, {"what": what, "began": began, "seconds": seconds, "facts": facts})


@contextlib.contextmanager
def timed(what: str, **facts: str | int) -> Generator[None]:
    """Pass to plugins how long a block took, and the error if it failed."""
    began, start = time.time(), time.perf_counter()
    try:
        yield
    except BaseException as error:
        facts["error"] = type(error).__name__
        raise
    finally:
        took(what, began, time.perf_counter() - start, facts)


def results(hook: str, **arguments: object) -> list[typing.Any]:
    """Call a hook of every plugin, and return the results, ``None`` for those that raise."""
    return [_called(implementation, arguments) for implementation in _implementations(hook)]


def _implementations(hook: str) -> Sequence[pluggy.HookImpl]:
    return typing.cast("Sequence[pluggy.HookImpl]", getattr(manager().hook, hook).get_hookimpls())


def _called(implementation: pluggy.HookImpl, arguments: dict[str, object]) -> typing.Any:
    given = [arguments[name] for name in implementation.argnames]
    hook = implementation.function.__name__
    return _guarded(implementation.plugin_name, hook, lambda: implementation.function(*given))


def _guarded(plugin: str, what: str, step: Callable[[], T]) -> T | None:
    """Run a step of a plugin; if it fails, log that once."""
    try:
        return step()
    except Exception:  # noqa: BLE001 - a plugin must not stop the bot
        if _is_new(plugin, what):
            _LOG.exception("the plugin %s does not work: %s failed; this is not logged again", plugin, what)
        return None


def _is_new(plugin: str, what: str) -> bool:
    known = (plugin, what) in _told
    _told.add((plugin, what))
    return not known
