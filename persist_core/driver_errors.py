"""What drivers raise, as what persist raises."""

from __future__ import annotations

import contextlib
import typing
from collections.abc import Callable, Generator

from .errors import BackendError
from .spi import Driver

__all__ = ("DROPPED", "translated", "translation")

DROPPED: typing.Final = "; if somebody dropped or renamed it, bring it back, or run `persist migrate` to recreate it"
"""The way out if a table is missing."""


@contextlib.contextmanager
def translated(driver: Driver) -> Generator[None]:
    """Turn what a driver raises within this context into what persist raises."""
    try:
        yield
    except driver.errors as error:
        raise translation(driver, error) from error


def translation(driver: Driver, error: Exception) -> BackendError:
    """Return what persist raises for one of a driver's errors."""
    is_conflict, is_too_long = (_says(driver, name, error) for name in ("collides", "exceeds"))
    temporary = driver.temporary(error)
    return BackendError(driver.explain(error), temporary=temporary, is_conflict=is_conflict, is_too_long=is_too_long)


def _says(driver: Driver, name: str, error: Exception) -> bool:
    says: Callable[[Exception], bool] | None = getattr(driver, name, None)
    return says is not None and says(error)
