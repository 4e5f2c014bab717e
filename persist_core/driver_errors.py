"""What drivers raise, as what persist raises."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator

from .errors import BackendError
from .spi import Driver

__all__ = ("translated", "translation")


@contextlib.contextmanager
def translated(driver: Driver) -> Generator[None]:
    """Turn what a driver raises within this context into what persist raises."""
    try:
        yield
    except driver.errors as error:
        raise translation(driver, error) from error


def translation(driver: Driver, error: Exception) -> BackendError:
    """Return what persist raises for one of a driver's errors."""
    collides: Callable[[Exception], bool] | None = getattr(driver, "collides", None)
    is_conflict = collides is not None and collides(error)
    return BackendError(driver.explain(error), temporary=driver.temporary(error), is_conflict=is_conflict)
