"""The list of those who were erased and must not come back. It doesn't reveal who that is: it holds only keyed hashes.

A hash is the HMAC-SHA256 of an ID under a random key of this database, which is stored in a separate table. Without
that table, the list reveals nothing.
"""

from __future__ import annotations

import hmac
import secrets
import typing
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

from .changes import Amend, Archive, Change, Drop, DropScope, Patch, Put
from .edits import Edit, edited
from .entities import ERASURE_KEYS, GUILDS, SUPPRESSIONS
from .gauges import Gauges
from .model import Entity, Key, Origin, Payload
from .scrubbing import DELETED_USER, NO_GUILD, Erased, scrubbed
from .spi import Page, Select

__all__ = ("STAND_INS", "Suppressions", "What", "hashed", "is_own")

What = typing.Literal["user", "guild"]
Ask = Callable[[Select], Awaitable[Page]]

STAND_INS: typing.Final[dict[str, str]] = {"user": DELETED_USER, "guild": NO_GUILD}
"""The placeholder for each kind of ID that can be erased."""

_MOST_KNOWN: typing.Final = 100_000


def hashed(key: bytes, what: str, snowflake: int | str) -> str:
    """Return the keyed hash of an ID."""
    return hmac.digest(key, f"{what}:{snowflake}".encode(), "sha256").hex()


class Suppressions:
    """Knows who was erased, and keeps data about them out of the journal.

    Parameters
    ----------
    gauges
        The counters for changes that are kept out.
    """

    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges
        self.keys: dict[str, bytes] = {}
        self._hashes: set[str] = set()
        self._doubted: set[str] = set()
        self._whats: tuple[str, ...] = ()
        self._known: dict[tuple[str, int | str], bool] = {}

    # -------------------------------------------------------------------------------------------------------- the list

    async def load(self, ask: Ask) -> Sequence[Payload]:
        """Read the list again, and return the entries that are new, or whose erasure may be unfinished.

        Raises
        ------
        persist.BackendError
            If the database cannot be read.
        """
        keys = (await ask(Select(ERASURE_KEYS))).records
        self.keys = {str(record.key[0]): bytes.fromhex(record.payload["secret"]) for record in keys}
        listed = {str(record.key[0]): record.payload for record in (await ask(Select(SUPPRESSIONS))).records}
        known = self._hashes - self._doubted
        news = [entry for name, entry in listed.items() if name not in known or not entry.get("done")]
        self._doubted.clear()
        self._set(listed.values())
        return news

    def doubt(self, entries: Iterable[Payload]) -> None:
        """Note that other processes may have written about these entries before they learned of the erasure."""
        self._doubted.update(str(entry["hash"]) for entry in entries)

    def _set(self, entries: Iterable[Payload]) -> None:
        entries = list(entries)
        self._hashes = {str(entry["hash"]) for entry in entries}
        self._whats = tuple(sorted({str(entry["kind"]) for entry in entries}))
        self._known.clear()

    def new_key(self, origin: Origin) -> tuple[str, Change]:
        """Return the name of a new key, and the change that stores it."""
        name, secret = secrets.token_hex(4), secrets.token_bytes(32)
        self.keys[name] = secret
        payload = {"id": name, "secret": secret.hex(), "created_at": origin.at}
        return name, Put.of(ERASURE_KEYS, payload, None, origin)

    def add(self, entry: Payload, origin: Origin) -> Change:
        """Start suppressing an entry, and return the change that stores it."""
        self._hashes.add(str(entry["hash"]))
        self._whats = tuple(sorted({*self._whats, str(entry["kind"])}))
        self._known.clear()
        return Put.of(SUPPRESSIONS, entry, None, origin)

    def lift(self, hashes: Iterable[str]) -> list[Change]:
        """Stop suppressing entries, and return the changes that delete them."""
        gone = set(hashes)
        self._hashes -= gone
        self._known.clear()
        return [Drop(SUPPRESSIONS, (name,)) for name in sorted(gone)]

    def hashes_of(self, what: str, snowflake: int | str) -> list[str]:
        """Return the hashes of an ID under each key of this database; there may be more than one key."""
        return [hashed(key, what, snowflake) for key in self.keys.values()]

    def holds(self, what: str, snowflake: int | str) -> bool:
        """Return whether an ID is suppressed."""
        asked = (what, snowflake)
        if (found := self._known.get(asked)) is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            found = self._known[asked] = any(name in self._hashes for name in self.hashes_of(what, snowflake))
        return found

    # ------------------------------------------------------------------------------------------------------- the guard

    @property
    def is_empty(self) -> bool:
        """Whether the list is empty."""
        return not self._hashes

    def erased(self) -> Erased | None:
        """Return a function that says who is suppressed; ``None`` if nobody is."""
        return None if self.is_empty else self.stand_in

    def stand_in(self, snowflake: str) -> str | None:
        """Return the placeholder for a suppressed ID; ``None`` for any other ID."""
        for what, found in STAND_INS.items():
            if what in self._whats and self.holds(what, snowflake):
                return found
        return None

    def admitted(self, changes: Sequence[Change]) -> Sequence[Change]:
        """Return the changes without those about suppressed users and guilds, and without their names in all others."""
        return list(self._admitted(changes)) if self._hashes else changes

    def _admitted(self, changes: Iterable[Change]) -> Iterator[Change]:
        for change in changes:
            kept = self._kept(change)
            if kept is not change:
                self._gauges.suppressed += 1
            if kept is not None:
                yield kept

    def _kept(self, change: Change) -> Change | None:
        match change:
            case Drop() | DropScope() | Archive():
                return change
            case Put() as record:
                if is_own(record.entity, record.key, record.guild_id, record.payload, self._is_suppressed):
                    return None
                payload = scrubbed(record.payload, self.stand_in)
                return change if payload is record.payload else Put(record._replace(payload=payload))
            case Patch(entity, key, guild_id, edits):
                if is_own(entity, key, guild_id, edited({}, edits), self._is_suppressed):
                    return None
                return self._edited(change, edits)
            case Amend(edits=edits):
                return self._edited(change, edits)

    def _edited(self, change: Patch | Amend, edits: Sequence[Edit]) -> Change:
        kept = tuple(self._edit(edit) for edit in edits)
        same = all(new is old for new, old in zip(kept, edits, strict=True))
        return change if same else change._replace(edits=kept)

    def _edit(self, edit: Edit) -> Edit:
        fields: dict[str, typing.Any] = edit._asdict()
        walked = {name: scrubbed(value, self.stand_in) for name, value in fields.items() if isinstance(value, dict)}
        changed = {name: value for name, value in walked.items() if value is not fields[name]}
        return edit._replace(**changed) if changed else edit

    def _is_suppressed(self, what: str, snowflake: int) -> bool:
        return what in self._whats and self.holds(what, snowflake)


def is_own(
    entity: Entity[typing.Any],
    key: Key,
    guild_id: int | None,
    payload: Payload,
    is_meant: Callable[[str, int], bool],
) -> bool:
    """Return whether an object belongs to a person, guild or conversation that is meant.

    Parameters
    ----------
    entity, key, guild_id, payload
        The object, as far as it is known.
    is_meant
        Returns whether a ``"user"``, ``"guild"`` or ``"conversation"`` with some ID is meant.
    """

    def column(name: str) -> int | None:
        try:
            found = entity.column_of(name, key, guild_id, payload)
        except (LookupError, TypeError, ValueError, AttributeError):
            return None
        return found if isinstance(found, int) else None

    persons = (("user", column(name)) for name in entity.persons)
    guild = ("guild", column("id" if entity is GUILDS else "guild_id"))
    place = ("conversation", column("channel_id") if guild_id is None and "channel_id" in entity.columns else None)
    return any(value is not None and is_meant(what, value) for what, value in (*persons, guild, place))
