"""JSON, with orjson if it is installed."""

from __future__ import annotations

import json
import typing

try:
    import orjson
except ModuleNotFoundError:

    def dumps(value: object) -> bytes:
        """Encode a value as compact JSON."""
        return json.dumps(value, separators=(",", ":")).encode()

    def loads(text: str | bytes) -> typing.Any:
        """Decode JSON."""
        return json.loads(text)

else:

    def dumps(value: object) -> bytes:
        """Encode a value as compact JSON."""
        return orjson.dumps(value)

    def loads(text: str | bytes) -> typing.Any:
        """Decode JSON."""
        return orjson.loads(text)
