"""How a simulator behaves; every field may be changed while it runs."""

from __future__ import annotations

import dataclasses

from .intents import PRIVILEGED


@dataclasses.dataclass(slots=True, kw_only=True)
class Settings:
    """How a simulator behaves.

    Attributes
    ----------
    token
        The only token accepted, or None to accept any.
    bot_id
        The id of the bot's user.
    application_id
        The id of its application; if empty, the bot's id.
    owner_id
        The id of the user who owns the application.
    shards
        The number of shards that the REST API recommends.
    max_concurrency
        How many shards may identify at once; hikari waits 5 s between such groups.
    heartbeat_interval_ms
        How often clients must send a heartbeat.
    resume_window
        How many seconds a session outlives its connection.
    replay_buffer
        How many events a session keeps for a resume.
    allowed_privileged
        The privileged intents that are enabled for the bot; requesting others closes the connection with 4014.
    identify_delay, guild_create_delay
        Seconds to wait before READY, and before each GUILD_CREATE.
    chunk_size
        How many members one GUILD_MEMBERS_CHUNK holds.
    limit_member_requests
        Whether a second request for all members of a guild within `member_request_window` seconds gets RATE_LIMITED
        instead of chunks.
    member_request_window
        See `limit_member_requests`.
    """

    token: str | None = None
    bot_id: str = "900000000000000001"
    application_id: str = ""
    owner_id: str = "1"
    shards: int = 1
    max_concurrency: int = 16
    heartbeat_interval_ms: int = 41_250
    resume_window: float = 120.0
    replay_buffer: int = 100_000
    allowed_privileged: int = PRIVILEGED
    identify_delay: float = 0.0
    guild_create_delay: float = 0.0
    chunk_size: int = 1000
    limit_member_requests: bool = False
    member_request_window: float = 30.0

    def __post_init__(self) -> None:
        self.application_id = self.application_id or self.bot_id
