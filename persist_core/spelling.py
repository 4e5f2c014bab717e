"""Conditions and keys in the SQL of one database, with their parameters."""

from __future__ import annotations

import typing
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from .codec import Codec
from .conditions import AllOf, AnyOf, Condition, Conditional, Known, Not, Where, Within, Worded
from .errors import QueryError
from .model import Entity, Key
from .schema import Storage, texts_of
from .words import terms_asked

if typing.TYPE_CHECKING:
    from .dialect import Dialect

__all__ = ("Speller", "keys_in_lists")

_FEW: typing.Final = 1000
"""How many values to bind one by one, as databases limit the parameters of a statement."""

_WIDE: typing.Final = 100
"""How many options to join with OR at once. SQLite counts each as one level deeper, and allows a thousand levels."""


def keys_in_lists(speller: Speller, entity: Entity[typing.Any], keys: Sequence[Key]) -> str:
    """Return the condition that a record has one of some keys, grouped by all parts except the last one."""
    *firsts, last = entity.key.items()
    groups: dict[Key, list[int | str]] = {}
    for key in keys:
        groups.setdefault(key[:-1], []).append(key[-1])
    options = []
    for start, ends in groups.items():
        parts = [
            f"{speller.quote(name)} = {speller.value(kind, part)}"
            for (name, kind), part in zip(firsts, start, strict=True)
        ]
        end = speller.values(last[1], ends)
        name = speller.quote(last[0])
        parts.append(f"{name} = {end}" if len(ends) == 1 else f"{name} IN ({end})")
        options.append(" AND ".join(parts))
    return options[0] if len(options) == 1 else f"({' OR '.join(f'({option})' for option in options)})"


class _Spelling(typing.NamedTuple):
    """How to write one test of the table in ``conditions.py`` in SQL, and its parameters with their types."""

    template: Callable[[Dialect], str]
    values: Callable[[Storage, typing.Any], Sequence[tuple[Storage, typing.Any]]]


def _one(template: str) -> _Spelling:
    return _Spelling(lambda _: template, lambda kind, value: ((kind, value),))


def _after_prefix(prefix: str) -> str:
    """Return the least text that is greater than every text with this prefix."""
    last = ord(prefix[-1]) + 1
    return prefix[:-1] + chr(0xE000 if last == 0xD800 else last)  # noqa: PLR2004 - skip the surrogates


def _prefix_values(kind: Storage, prefix: str) -> Sequence[tuple[Storage, typing.Any]]:
    stem = prefix.rstrip("\U0010ffff")
    return ((kind, prefix), (kind, _after_prefix(stem) if stem else prefix + "\U0010ffff" * 8))


_SPELLINGS: typing.Final[Mapping[str, _Spelling]] = {
    "equals": _one("{0} = {1}"),
    "less": _one("{0} < {1}"),
    "at_most": _one("{0} <= {1}"),
    "greater": _one("{0} > {1}"),
    "at_least": _one("{0} >= {1}"),
    "is_null": _Spelling(lambda _: "{0} IS NULL", lambda *_: ()),
    "contains": _Spelling(lambda dialect: dialect.contains, lambda _, text: (("text", text),)),
    "startswith": _Spelling(lambda _: "({0} >= {1} AND {0} < {2})", _prefix_values),
    "has_id": _Spelling(lambda dialect: dialect.contains, lambda _, snowflake: (("text", f",{snowflake},"),)),
    "has_bits": _Spelling(lambda dialect: dialect.has_bits, lambda kind, bits: ((kind, bits), (kind, bits))),
    "on_shard": _Spelling(
        lambda dialect: f"{dialect.shard} = {{2}}",
        lambda kind, shard: ((kind, shard[1]), (kind, shard[0])),
    ),
}


class Speller:
    """Writes the conditions of one statement and collects their parameters.

    Parameters
    ----------
    dialect
        The SQL dialect.
    codec
        Knows which columns hold something other than their plain text.
    """

    def __init__(self, dialect: Dialect, codec: Codec | None = None) -> None:
        self._dialect = dialect
        self._codec = codec
        self.params: list[typing.Any] = []
        self.rows: bool = dialect.rows

    def quote(self, name: str) -> str:
        """Return a quoted identifier."""
        return self._dialect.quote(name)

    def value(self, kind: Storage, value: typing.Any) -> str:
        """Bind a value and return its placeholder."""
        return self.values(kind, (value,))

    def bound(self, value: typing.Any) -> str:
        """Bind a value without conversion and return its placeholder."""
        self.params.append(value)
        return self._dialect.placeholder(len(self.params))

    def values(self, kind: Storage, values: Iterable[typing.Any]) -> str:
        """Bind values and return a list of their placeholders."""
        convert, template = self._dialect.bind.get(kind), self._dialect.store.get(kind)
        given = list(values) if convert is None else [None if v is None else convert(v) for v in values]
        places = range(len(self.params) + 1, len(self.params) + len(given) + 1)
        self.params += given
        marks = map(self._dialect.placeholder, places)
        return ", ".join(marks if template is None else map(template.format, marks))

    def where(self, entity: Entity[typing.Any], guild_id: int | None, where: Where) -> list[str]:
        """Return conditions that must all hold."""
        if guild_id is not None:
            where = (Condition("guild_id", "equals", guild_id), *where)
        return [self.condition(entity, condition) for condition in where]

    def condition(self, entity: Entity[typing.Any], condition: Conditional) -> str:
        """Return one condition."""
        match condition:
            case Condition(column, test, value):
                return self._test(entity, column, test, value)
            case Not(inner):
                return f"NOT COALESCE({self.condition(entity, inner)}, FALSE)"
            case AnyOf(options):
                return _either([self.condition(entity, option) for option in options])
            case AllOf(parts):
                return f"({' AND '.join(self.condition(entity, part) for part in parts) or '1 = 1'})"
            case Within(columns, owner, where, ()):
                return self._within(columns, owner, where)
            case Within():
                return self._related(entity, condition)
            case Known(other, key):
                return f"EXISTS (SELECT 1 FROM {self.quote(other.name)} WHERE {self.keys(other, (key,))})"
            case Worded(other, phrases):
                return self._worded(other, phrases)

    def _test(self, entity: Entity[typing.Any], column: str, test: str, value: typing.Any) -> str:
        name, kind = self._dialect.quote(column), entity.kind_of(column)
        if self._codec is not None and (held := self._codec.sought(entity, column, test, value)) is not None:
            test, value = "is_in", held
        if test == "is_in":
            return self._among(name, kind, value)
        spelling = _SPELLINGS[test]
        if test == "startswith" and not value:
            return f"{name} IS NOT NULL"
        bound = [self.value(*pair) for pair in spelling.values(kind, value)]
        return spelling.template(self._dialect).format(name, *bound)

    def _among(self, name: str, kind: Storage, values: Collection[typing.Any]) -> str:
        if len(values) > _FEW and kind in self._dialect.among:
            template, convert = self._dialect.among[kind]
            bind = self._dialect.bind.get(kind)
            return f"{name} {template.format(self.bound(convert(map(bind, values) if bind else values)))}"
        return f"{name} IN ({self.values(kind, values)})" if values else "1 = 0"

    def _within(self, columns: tuple[str, ...], owner: Entity[typing.Any], where: Where) -> str:
        quote = self._dialect.quote
        parts = self.where(owner, None, where)
        key = ", ".join(map(quote, owner.key))
        inner = f"SELECT {key} FROM {quote(owner.name)}{_joined(' WHERE ', parts)}"
        left = ", ".join(map(quote, columns))
        return f"{left if len(columns) == 1 else f'({left})'} IN ({inner})"

    def _worded(self, entity: Entity[typing.Any], phrases: tuple[str, ...]) -> str:
        search = self._dialect.search
        if search is None or entity.searched is None:
            msg = f"{entity.name} cannot be searched in this database; this backend does not support search"
            raise QueryError(msg)
        table, key = texts_of(entity).name, ", ".join(map(self.quote, entity.key))
        terms = terms_asked(phrases, inside=entity.searched.inside)
        asked = self.bound(search.asked([term._replace(word=search.prefix + term.word) for term in terms]))
        words = self.quote("words")
        # The index finds candidates; this decides, in the same way on every database.
        parts = [self._dialect.contains.format(words, self.value("text", phrase)) for phrase in phrases]
        parts.insert(0, search.matches.format(table, asked))
        inner = f"SELECT {key} FROM {self.quote(table)} WHERE {' AND '.join(parts)}"
        return f"{key if len(entity.key) == 1 else f'({key})'} IN ({inner})"

    def _related(self, entity: Entity[typing.Any], within: Within) -> str:
        # The subquery uses the other table's key, so that a query about one person does not scan a table.
        here, there = self.quote(entity.name), self.quote(within.entity.name)
        pairs = zip(within.theirs, within.columns, strict=True)
        same = [f"{there}.{self.quote(theirs)} = {here}.{self.quote(ours)}" for theirs, ours in pairs]
        parts = (*same, *self.where(within.entity, None, within.where))
        return f"EXISTS (SELECT 1 FROM {there} WHERE {' AND '.join(parts)})"

    def keys(self, entity: Entity[typing.Any], keys: Sequence[Key]) -> str:
        """Return the condition that a record has one of some keys."""
        return self._dialect.keys(self, entity, keys)


def _either(options: Sequence[str]) -> str:
    """Return the condition that at least one option holds."""
    if len(options) <= _WIDE:
        return f"({' OR '.join(options) or '1 = 0'})"
    middle = len(options) // 2
    return f"({_either(options[:middle])} OR {_either(options[middle:])})"


def _joined(start: str, parts: Sequence[str]) -> str:
    return f"{start}{' AND '.join(parts)}" if parts else ""
