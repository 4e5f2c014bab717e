"""Views for people who ask in SQL: spelled once, made on request, and never read by persist itself."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping

from .dialect import Dialect

__all__ = ("VIEWS", "statements")

VIEWS: typing.Final[Mapping[str, str]] = {
    "v_messages_per_day": """
        SELECT m.guild_id, m.channel_id, {day} AS day, COUNT(*) AS messages, COUNT(DISTINCT m.author_id) AS authors
        FROM messages m WHERE m.timestamp IS NOT NULL GROUP BY m.guild_id, m.channel_id, {day}
    """,
    "v_member_growth": """
        SELECT d.guild_id, d.day, d.joined, SUM(d.joined) OVER (PARTITION BY d.guild_id ORDER BY d.day) AS members
        FROM (SELECT m.guild_id, {joined} AS day, COUNT(*) AS joined FROM members m
        WHERE m.joined_at IS NOT NULL GROUP BY m.guild_id, {joined}) d
    """,
    "v_role_sizes": """
        SELECT r.guild_id, r.id AS role_id, r.name, (SELECT COUNT(*) FROM members m WHERE m.guild_id = r.guild_id
        AND (r.id = r.guild_id OR {has_role})) AS members
        FROM roles r
    """,
    "v_channel_activity": """
        SELECT c.guild_id, c.id AS channel_id, c.name, COUNT(m.id) AS messages, COUNT(DISTINCT m.author_id) AS authors,
        MAX(m.timestamp) AS last_message
        FROM (SELECT guild_id, id, name FROM channels UNION ALL SELECT guild_id, id, name FROM threads) c
        LEFT JOIN messages m ON m.channel_id = c.id GROUP BY c.guild_id, c.id, c.name
    """,
}
"""Every view by its name. Every member has the role whose ID is the guild's."""


def statements(dialect: Dialect) -> Iterator[str]:
    """Yield the statements that create the views, or replace them, in a database's dialect."""
    between = dialect.between_commas.format("r.id")
    parts = {
        "day": dialect.day.format("m.timestamp"),
        "joined": dialect.day.format("m.joined_at"),
        "has_role": dialect.contains.format("m.role_ids", between),
    }
    for name, query in VIEWS.items():
        yield f"DROP VIEW IF EXISTS {name}"
        yield f"CREATE VIEW {name} AS {' '.join(query.format(**parts).split())}"
