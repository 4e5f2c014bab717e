"""Public Discord payloads, read from outside the repository.

They are fixtures of other projects under their own licenses, so they are not copied here.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import typing
from collections.abc import Iterator, Mapping

import pytest

__all__ = ("Sample", "folder", "payloads")

_NEIGHBOUR = pathlib.Path(__file__).parents[1] / "../shared/corpus"


@dataclasses.dataclass(frozen=True, slots=True)
class Sample:
    """A payload and its source."""

    source: str
    """The project, the file and the name in it."""

    license: str
    """The license of that project, by its SPDX name."""

    kind: str
    """What the payload is: the name of a gateway event in capitals, or of a kind of object."""

    payload: Mapping[str, typing.Any]
    """The payload, exactly as its project wrote it."""

    envelope: bool
    """Whether the payload is a complete gateway frame, whose data is under ``d``."""

    hikari_ok: bool | None
    """Whether hikari 2.6.0 can read it; ``None`` if hikari has no method for it."""

    @property
    def data(self) -> typing.Any:
        """The data, without the frame."""
        return self.payload["d"] if self.envelope else self.payload


def folder() -> pathlib.Path:
    """Return the folder of payloads, or skip the running test with a reason."""
    named = os.environ.get("PERSIST_CORPUS")
    found = pathlib.Path(named) if named else _NEIGHBOUR
    if not found.is_dir():
        pytest.skip(f"No public payloads in {found}: name their folder in PERSIST_CORPUS.")
    return found


def payloads() -> Iterator[Sample]:
    """Yield every payload of every ``*.jsonl`` in the folder, in a stable order."""
    names = [field.name for field in dataclasses.fields(Sample)]
    for path in sorted(folder().glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                entry = json.loads(line)
                yield Sample(**{name: entry[name] for name in names})
