"""The performance goals: a row for each way that has one, by benchmark and way."""

from __future__ import annotations

import typing
from collections.abc import Mapping

from measure import Goal

__all__ = ("GOALS",)

GOALS: typing.Final[Mapping[tuple[str, str], Goal]] = {
    ("write 40,000 members (SQLite)", "persist, idle loop"): Goal(least=0.65),
    ("write 40,000 members (SQLite)", "persist, loop half busy"): Goal(least=0.5),
    ("write 40,000 members (SQLite)", "persist, loop always busy"): Goal(least=20_000, figure=True),
    ("lag of the loop over an idle one, p99", "persist writes"): Goal(most=1.5, figure=True),
    ("lag of the loop over an idle one, greatest", "persist writes"): Goal(most=15, figure=True),
    ("gateway to committed row, chunks of members", "persist"): Goal(least=10),
    ("gateway to committed row, against Redis", "persist"): Goal(least=2),
    ("a guild of 10,000 members, until committed", "persist"): Goal(most=1 / 8),
    ("at the store's own interface, chunks", "persist"): Goal(least=30),
    ("at the store's own interface, live updates", "persist"): Goal(least=30),
    ("at the store's own interface, against its bulk call", "persist"): Goal(least=4),
    ("at the store's own interface, point reads", "persist"): Goal(most=1 / 30),
    ("take one MESSAGE_CREATE, more than a hook that does nothing", "persist's feed"): Goal(most=5, figure=True),
    ("messages through a whole bot", "persist"): Goal(least=0.8),
    ("get_member, in memory", "persist"): Goal(most=1.5),
    ("get_member, from SQLite", "persist"): Goal(most=40, figure=True),
    ("get_member, from PostgreSQL", "persist"): Goal(most=1.5),
    ("50 point reads at once, PostgreSQL", "persist"): Goal(least=5),
    ("50 point reads at once, MariaDB", "persist"): Goal(least=3),
    ("50 point reads at once, PostgreSQL, p99", "persist"): Goal(most=2, figure=True),
    ("50 point reads at once, MariaDB, p99", "persist"): Goal(most=2, figure=True),
    ("iterate members as hikari objects", "persist"): Goal(least=0.6),
    ("iterate members, against hikari-persist", "persist"): Goal(least=5),
    ("newest 50 of 1,000,000 messages", "persist"): Goal(most=3),
    ("newest 50 of 1,000,000 messages, against 10,000", "persist, 1,000,000"): Goal(most=1.5),
    ("start to first answer, 1,000,000 stored", "persist"): Goal(most=150, figure=True),
    ("memory for 1,000,000 members stored", "persist over an empty bot"): Goal(most=60, figure=True),
    ("size of members", "plain"): Goal(most=1.4),
    ("size of members", "compressed"): Goal(most=0.45),
    ("size of messages", "plain"): Goal(most=1.4),
    ("size of messages", "compressed"): Goal(most=0.45),
    ("write 20,000 members, PostgreSQL", "persist"): Goal(least=0.7),
    ("write 20,000 members, MariaDB", "persist"): Goal(least=0.7),
    ("write 20,000 members, MariaDB, against executemany", "persist"): Goal(least=2.2),
    ("presence flood, rows written per event", "persist"): Goal(most=0.5, figure=True),
    ("synchronise unchanged members again", "persist, unchanged"): Goal(least=1.2),
    ("growth of the file by that", "persist, unchanged"): Goal(most=1.02),
}
