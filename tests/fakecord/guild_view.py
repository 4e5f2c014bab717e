"""How much of a guild GUILD_CREATE contains for which client."""

from __future__ import annotations

from .intents import Intent
from .payloads import Payload
from .session import Session
from .world import Guild

_TOO_MANY_FOR_PRESENCES = 75_000


def guild_create(guild: Guild, session: Session, bot_id: str) -> Payload:
    """Return GUILD_CREATE as Discord sends it to one client.

    Empty lists are sent as empty lists. Without presences, or in a huge guild, only the bot and the people in voice are
    listed as members; above the client's large threshold, only those who are online, in voice, or have a role or a
    nickname.
    """
    payload = guild.payload()
    payload["large"] = guild.member_count > session.large_threshold
    if not session.intents & Intent.GUILD_VOICE_STATES:
        payload["voice_states"] = []
    if not session.intents & Intent.GUILD_PRESENCES or guild.member_count > _TOO_MANY_FOR_PRESENCES:
        payload["presences"] = []
        near = dict.fromkeys((bot_id, *(state["user_id"] for state in payload["voice_states"])))
        payload["members"] = [guild.members[user_id] for user_id in near if user_id in guild.members]
    elif payload["large"]:
        payload["members"] = [
            member for user_id, member in guild.members.items() if user_id == bot_id or _stands_out(guild, member)
        ]
    return payload


def _stands_out(guild: Guild, member: Payload) -> bool:
    user_id = member["user"]["id"]
    return bool(user_id in guild.presences or user_id in guild.voice_states or member["roles"] or member.get("nick"))
