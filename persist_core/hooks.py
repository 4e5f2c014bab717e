"""Calling what plugins add, so that none of them can hurt a bot: whatever one raises is logged, once, under its name.

A plugin is a module or an object with functions that are marked by ``persist.hookimpl``. It is found as an entry point
in the group ``persist.plugins``, or registered by hand: ``persist.plugins.manager().register(plugin)``.
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
    """Find the plugins that are installed, and add to both tables the rows of all that have not been asked for theirs.

    This happens before the first store is made: what can be remembered is the same for all of them.
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
        # All that a plugin makes of an event, or nothing; what the event means to us does not depend on it.
        return _guarded(name, event, lambda: list(plan(payload, context))) or ()

    return guarded


def committed(changes: Sequence[Change]) -> None:
    """Tell plugins what has just been stored."""
    for implementation in _implementations("persist_committed"):
        began = time.perf_counter()
        _called(implementation, {"changes": changes})
        took = time.perf_counter() - began
        if took > _SLOW and _is_new(implementation.plugin_name, "slow"):
            _LOG.warning(
                "the plugin %s held the bot up for %.0f ms in persist_committed; what takes long belongs into a task",
                implementation.plugin_name,
                took * 1000,
            )


def took(what: str, began: float, seconds: float, facts: Mapping[str, str | int]) -> None:
    """Tell plugins of something that took time."""
    for implementation in _implementations("persist_timed"):
        _called(implementation, {"what": what, "began": began, "seconds": seconds, "facts": facts})


@contextlib.contextmanager
def timed(what: str, **facts: str | int) -> Generator[None]:
    """Tell plugins how long a block took, and how it failed if it did."""
    began, start = time.time(), time.perf_counter()
    try:
        yield
    except BaseException as error:
        facts["error"] = type(error).__name__
        raise
    finally:
        took(what, began, time.perf_counter() - start, facts)


def results(hook: str, **arguments: object) -> list[typing.Any]:
    """Call a hook of every plugin, and return what those say that do not raise."""
    return [_called(implementation, arguments) for implementation in _implementations(hook)]


def _implementations(hook: str) -> Sequence[pluggy.HookImpl]:
    return typing.cast("Sequence[pluggy.HookImpl]", getattr(manager().hook, hook).get_hookimpls())


def _called(implementation: pluggy.HookImpl, arguments: dict[str, object]) -> typing.Any:
    given = [arguments[name] for name in implementation.argnames]
    hook = implementation.function.__name__
    return _guarded(implementation.plugin_name, hook, lambda: implementation.function(*given))


def _guarded(plugin: str, what: str, step: Callable[[], T]) -> T | None:
    """Take a step; if it fails, say once whose it was."""
    try:
        return step()
    except Exception:  # noqa: BLE001 - whatever a plugin does, the bot goes on
        if _is_new(plugin, what):
            _LOG.exception("the plugin %s does not work: %s failed, and is not mentioned again", plugin, what)
        return None


def _is_new(plugin: str, what: str) -> bool:
    known = (plugin, what) in _told
    _told.add((plugin, what))
    return not known
