"""Permissions are computed as Discord computes them: a table of cases."""

from __future__ import annotations

import datetime
import typing
from collections.abc import AsyncIterator

import hikari
import pytest
from fakecord import Payload, payloads
from hearing import Hearing

import persist

P: typing.Final = hikari.Permissions
_ALL: typing.Final = P.all_permissions()
_BASE: typing.Final = P.VIEW_CHANNEL | P.SEND_MESSAGES | P.READ_MESSAGE_HISTORY
_GUILD, _CHANNEL, _THREAD, _OWNER, _ANN = 100, 200, 300, 400, 500
_RED, _BLUE, _BOSS = 101, 102, 103
_ROLES: typing.Final = {_GUILD: _BASE, _RED: P.MANAGE_MESSAGES, _BLUE: P.NONE, _BOSS: P.ADMINISTRATOR}
_AN_HOUR: typing.Final = datetime.timedelta(hours=1)

Overwrite = tuple[int, hikari.Permissions, hikari.Permissions]


def allow(target: int, permissions: hikari.Permissions) -> Overwrite:
    return (target, permissions, P.NONE)


def deny(target: int, permissions: hikari.Permissions) -> Overwrite:
    return (target, P.NONE, permissions)


class Case(typing.NamedTuple):
    """A member's roles, the overwrites of the channel, and the resulting permissions in the guild and the channel."""

    about: str
    guild: hikari.Permissions
    channel: hikari.Permissions
    overwrites: tuple[Overwrite, ...] = ()
    roles: tuple[int, ...] = ()
    who: int = _ANN
    timeout: datetime.timedelta | None = None


_CASES: typing.Final = (
    Case("everybody has the guild's own role", _BASE, _BASE),
    Case("roles add up", _BASE | P.MANAGE_MESSAGES, _BASE | P.MANAGE_MESSAGES, roles=(_RED, _BLUE)),
    Case("owners may do everything", _ALL, _ALL, (deny(_GUILD, _ALL), deny(_OWNER, _ALL)), who=_OWNER),
    Case("administrators may do everything", _ALL, _ALL, (deny(_GUILD, _ALL), deny(_ANN, _ALL)), (_BOSS,)),
    Case("a channel takes from everybody", _BASE, _BASE & ~P.SEND_MESSAGES, (deny(_GUILD, P.SEND_MESSAGES),)),
    Case("a channel gives to everybody", _BASE, _BASE | P.ADD_REACTIONS, (allow(_GUILD, P.ADD_REACTIONS),)),
    Case(
        "a role's overwrite beats everybody's",
        _BASE,
        _BASE,
        (allow(_BLUE, P.SEND_MESSAGES), deny(_GUILD, P.SEND_MESSAGES)),
        (_BLUE,),
    ),
    Case(
        "among roles, what one allows beats what another denies",
        _BASE | P.MANAGE_MESSAGES,
        _BASE | P.MANAGE_MESSAGES,
        (allow(_BLUE, P.SEND_MESSAGES), deny(_RED, P.SEND_MESSAGES)),
        (_RED, _BLUE),
    ),
    Case("others' roles do not matter", _BASE, _BASE, (deny(_RED, _ALL), allow(_BOSS, _ALL)), (_BLUE,)),
    Case(
        "the member's own overwrite comes last",
        _BASE,
        P.VIEW_CHANNEL | P.READ_MESSAGE_HISTORY,
        (deny(_ANN, P.SEND_MESSAGES), allow(_BLUE, P.SEND_MESSAGES)),
        (_BLUE,),
    ),
    Case("its allowance as well", _BASE, _BASE | P.CONNECT, (allow(_ANN, P.CONNECT), deny(_GUILD, P.CONNECT))),
    Case("others' overwrites do not matter", _BASE, _BASE, (deny(_OWNER, _ALL),)),
    Case(
        "a timeout leaves looking",
        P.VIEW_CHANNEL | P.READ_MESSAGE_HISTORY,
        P.VIEW_CHANNEL,
        (deny(_GUILD, P.READ_MESSAGE_HISTORY), allow(_ANN, P.SPEAK)),
        timeout=_AN_HOUR,
    ),
    Case("a timeout that is over is none", _BASE, _BASE, timeout=-_AN_HOUR),
    Case("administrators have no timeout", _ALL, _ALL, roles=(_BOSS,), timeout=_AN_HOUR),
)


def _overwrite(overwrite: Overwrite) -> Payload:
    target, allowed, denied = overwrite
    kind = 1 if target in (_OWNER, _ANN) else 0
    return payloads.overwrite(str(target), kind, str(int(allowed)), str(int(denied)))


def guild_of(case: Case) -> Payload:
    owner, ann = payloads.user(id=str(_OWNER)), payloads.user(id=str(_ANN))
    until = case.timeout and (datetime.datetime.now(datetime.UTC) + case.timeout).isoformat()
    roles = [str(role) for role in case.roles]
    whole = payloads.guild(id=str(_GUILD), owner=owner)
    overwrites = [_overwrite(overwrite) for overwrite in case.overwrites]
    return {
        **whole,
        "roles": [payloads.role(id=str(key), permissions=str(int(held))) for key, held in _ROLES.items()],
        "channels": [payloads.text_channel(str(_GUILD), id=str(_CHANNEL), permission_overwrites=overwrites)],
        "threads": [payloads.thread(str(_GUILD), str(_CHANNEL), str(_ANN), id=str(_THREAD))],
        "members": [
            payloads.member(owner),
            payloads.member(ann, roles, communication_disabled_until=until),
        ],
    }


@pytest.fixture
async def heard() -> AsyncIterator[Hearing]:
    async with Hearing("memory://") as heard:
        yield heard


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case.about)
async def test_permissions_are_what_discord_says(heard: Hearing, case: Case) -> None:
    await heard.ready(guild_of(case))
    ask = heard.cache.permissions
    assert await ask(_GUILD, case.who) == case.guild
    assert await ask(_GUILD, case.who, _CHANNEL) == case.channel
    assert await ask(_GUILD, case.who, _THREAD) == case.channel
    member = await heard.cache.get_member(_GUILD, case.who)
    channel = await heard.cache.get_guild_channel(_CHANNEL)
    guild = await heard.cache.get_guild(_GUILD)
    assert member is not None
    assert channel is not None
    assert guild is not None
    assert await ask(guild, member, channel) == case.channel


async def test_who_may_not_connect_may_do_nothing_in_a_voice_channel(heard: Hearing) -> None:
    may = P.all_permissions() & ~P.ADMINISTRATOR
    everybody = payloads.role(id=str(_GUILD), permissions=str(int(may)))
    deny_connect = [_overwrite(deny(_GUILD, P.CONNECT))]
    make = (payloads.text_channel, payloads.voice_channel, payloads.stage_channel)
    channels = [
        one(str(_GUILD), id=str(_CHANNEL + 10 * number + len(overwrites)), permission_overwrites=overwrites)
        for number, one in enumerate(make)
        for overwrites in ([], deny_connect)
    ]
    await heard.ready({**guild_of(_CASES[0]), "roles": [everybody], "channels": channels, "threads": []})
    ask = heard.cache.permissions
    assert await ask(_GUILD, _ANN, _CHANNEL + 1) == may & ~P.CONNECT  # a text channel has nothing to connect to
    for voice in (_CHANNEL + 10, _CHANNEL + 20):
        assert await ask(_GUILD, _ANN, voice) == may
        denied = await ask(_GUILD, _ANN, voice + 1)
        assert denied is not None
        assert not denied & (P.CONNECT | P.SPEAK | P.STREAM | P.MOVE_MEMBERS | P.REQUEST_TO_SPEAK | P.USE_SOUNDBOARD)
        assert not denied & (P.MANAGE_CHANNELS | P.MANAGE_ROLES)
        assert denied & P.VIEW_CHANNEL
        assert await ask(_GUILD, _OWNER, voice + 1) == _ALL


async def test_a_private_thread_is_hidden_from_those_who_are_not_known_to_be_in_it(heard: Hearing) -> None:
    guild = guild_of(_CASES[0])
    private = payloads.private_thread(str(_GUILD), str(_CHANNEL), str(_OWNER), id=str(_THREAD))
    roles = [*guild["roles"], payloads.role(id="104", permissions=str(int(P.MANAGE_THREADS)))]
    await heard.ready({**guild, "threads": [private], "roles": roles})
    for user, held in (("501", ["104"]), ("502", [str(_BOSS)])):
        member = {**payloads.member(payloads.user(id=user), held), "guild_id": str(_GUILD)}
        await heard.hear("GUILD_MEMBER_ADD", member)
    ask = heard.cache.permissions
    assert await ask(_GUILD, _ANN, _CHANNEL) == _BASE
    assert await ask(_GUILD, _ANN, _THREAD) is None
    assert await ask(_GUILD, 501, _THREAD) == _BASE | P.MANAGE_THREADS
    assert await ask(_GUILD, 502, _THREAD) == _ALL
    assert await ask(_GUILD, _OWNER, _THREAD) == _ALL
    changed = {"id": str(_THREAD), "guild_id": str(_GUILD), "member_count": 1}
    added = [payloads.thread_member(str(_THREAD), str(_ANN))]
    await heard.hear("THREAD_MEMBERS_UPDATE", {**changed, "added_members": added})
    assert await ask(_GUILD, _ANN, _THREAD) == _BASE
    await heard.hear("THREAD_MEMBERS_UPDATE", {**changed, "removed_member_ids": [str(_ANN)]})
    assert await ask(_GUILD, _ANN, _THREAD) is None


async def test_a_role_that_was_deleted_while_nobody_heard_allows_nothing(heard: Hearing) -> None:
    await heard.ready(guild_of(_CASES[0]))
    for user, roles in (("500", []), ("501", ["77"])):
        member = {**payloads.member(payloads.user(id=user), roles), "guild_id": str(_GUILD)}
        await heard.hear("GUILD_MEMBER_ADD", member)
    for channel in (None, _CHANNEL):
        without = await heard.cache.permissions(_GUILD, 500, channel)
        assert without is not None
        assert await heard.cache.permissions(_GUILD, 501, channel) == without
    await heard.reopen()  # this session has not listed the roles yet
    assert await heard.cache.permissions(_GUILD, 501) is None


async def test_permissions_that_cannot_be_told_are_none(heard: Hearing) -> None:
    await heard.ready(guild_of(_CASES[0]), {**payloads.guild(), "id": "900"})
    ask = heard.cache.permissions
    assert await ask(1, _ANN) is None
    assert await ask(_GUILD, 1) is None
    assert await ask(_GUILD, _ANN, 1) is None
    assert await ask(900, _ANN, _CHANNEL) is None
    for wrong in ("100", None, 1.5, True):
        with pytest.raises(persist.QueryError):
            await ask(typing.cast("int", wrong), _ANN)


@pytest.mark.parametrize(
    ("denied", "gone", "left"),
    [
        (P.VIEW_CHANNEL, P.SEND_MESSAGES | P.VIEW_CHANNEL | P.ATTACH_FILES | P.ADD_REACTIONS, P.NONE),
        (P.SEND_MESSAGES, P.SEND_MESSAGES | P.ATTACH_FILES | P.EMBED_LINKS | P.MENTION_ROLES, P.VIEW_CHANNEL),
    ],
)
async def test_who_may_not_look_or_write_may_not_do_what_takes_that(
    heard: Hearing, denied: P, gone: P, left: P
) -> None:
    guild = guild_of(_CASES[0])
    everybody = {
        **guild["roles"][0],
        "id": str(_GUILD),
        "permissions": str(int(P.all_permissions() & ~P.ADMINISTRATOR)),
    }
    overwrites = [{"id": str(_GUILD), "type": 0, "allow": "0", "deny": str(int(denied))}]
    channels = [{**guild["channels"][0], "permission_overwrites": overwrites}]
    await heard.ready({**guild, "roles": [everybody, *guild["roles"][1:]], "channels": channels})
    member = {**payloads.member(payloads.user(id="600")), "guild_id": str(_GUILD)}
    await heard.hear("GUILD_MEMBER_ADD", member)
    there = await heard.cache.permissions(_GUILD, 600, _CHANNEL)
    assert there is not None
    assert not there & gone
    assert there & left == left
    thread = await heard.cache.permissions(_GUILD, 600, _THREAD)
    assert thread is not None
    assert bool(thread & P.ATTACH_FILES) == (denied == P.SEND_MESSAGES)  # writing there needs another permission
