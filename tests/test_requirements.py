"""Each framework's hooks let a command run or say why not, based on the cache."""

from __future__ import annotations

import datetime
import types
import typing
from collections.abc import Mapping

import hikari
import pytest
from fakecord import payloads
from frameworks import Stage
from guarded import FRAMEWORKS, Framework, framework_named

import persist
from persist.views import VIEWS

P: typing.Final = hikari.Permissions


@pytest.fixture(params=[framework.name for framework in FRAMEWORKS])
def framework(request: pytest.FixtureRequest) -> Framework:
    return framework_named(request.param)


@pytest.fixture
def cache(stage: Stage) -> persist.Cache:
    return persist.Cache(stage.bot, "memory://")


def somebody(stage: Stage) -> str:
    """Return the id of a member who does not own the guild, has no roles and is in no channel's overwrites."""
    return next(
        str(member["user"]["id"])
        for member in stage.guild["members"]
        if not member["roles"] and member["user"]["id"] != stage.guild["owner_id"]
    )


def role_named(stage: Stage, name: str) -> int:
    return next(int(role["id"]) for role in stage.guild["roles"] if role["name"] == name)


@pytest.mark.usefixtures("cache")
async def test_a_role_is_required(stage: Stage, framework: Framework) -> None:
    first, second = role_named(stage, "role-1"), role_named(stage, "role-2")

    def guards(hooks: types.ModuleType) -> Mapping[str, typing.Any]:
        return {
            "one": hooks.has_role(first),
            "either": hooks.has_role(first, second),
            "everyone": hooks.has_role(int(stage.guild_id)),
        }

    async with framework.playing(stage, guards):
        who = somebody(stage)
        assert (await stage.run("everyone", user_id=who))["content"] == "ran"
        answer = await stage.run("one", user_id=who)
        assert framework.refusal(answer, "roles") == "You need the role role-1 to use this."
        answer = await stage.run("either", user_id=who)
        assert framework.refusal(answer, "roles") == "You need one of the roles role-1, role-2 to use this."
        await stage.sim.update_member(stage.guild_id, who, roles=[str(second)])
        assert (await stage.run("either", user_id=who))["content"] == "ran"
        assert framework.refusal(await stage.run("one", user_id=who), "roles")
        assert stage.asked() == {}


@pytest.mark.usefixtures("cache")
async def test_a_role_of_another_guild_is_required(stage: Stage, framework: Framework) -> None:
    who = somebody(stage)
    home = stage.sim.add_guild(name="Home", members=2)
    (role,) = [role for role in home["roles"] if role["name"] == "role-1"]

    def guards(hooks: types.ModuleType) -> Mapping[str, typing.Any]:
        return {"patrons": hooks.has_role(int(role["id"]), guild=int(home["id"]))}

    async with framework.playing(stage, guards):
        answer = await stage.run("patrons", user_id=who)
        assert framework.refusal(answer, "roles") == "You need the role role-1 to use this."
        assert stage.asked() == {"GET /guilds/{id}/members/{id}": 1}  # the user might be a member
        user = next(member["user"] for member in stage.guild["members"] if member["user"]["id"] == who)
        await stage.sim.add_member(home["id"], payloads.member(user, [role["id"]]))
        assert (await stage.run("patrons", user_id=who))["content"] == "ran"
        assert (await stage.run_privately("patrons", user_id=who))["content"] == "ran"
        assert stage.asked() == {"GET /guilds/{id}/members/{id}": 1}


@pytest.mark.usefixtures("cache")
async def test_permissions_are_computed_from_the_cache(stage: Stage, framework: Framework) -> None:
    closed = await stage.sim.create_channel(
        stage.guild_id, permission_overwrites=[payloads.overwrite(stage.guild_id, 0, "0", str(int(P.SEND_MESSAGES)))]
    )
    thread = await stage.sim.create_thread(stage.guild_id, closed["id"])
    opened = await stage.sim.create_channel(stage.guild_id, permission_overwrites=[])

    def guards(hooks: types.ModuleType) -> Mapping[str, typing.Any]:
        return {
            "here": hooks.has_permissions(P.SEND_MESSAGES | P.BAN_MEMBERS | P.VIEW_CHANNEL),
            "there": hooks.has_permissions(P.SEND_MESSAGES, channel=int(opened["id"])),
            "inside": hooks.has_permissions(P.SEND_MESSAGES, channel=int(thread["id"])),
            "anywhere": hooks.has_permissions(P.SEND_MESSAGES, guild=int(stage.guild_id)),
            "nowhere": hooks.has_permissions(P.SEND_MESSAGES, channel=1),
        }

    here = {"channel_id": closed["id"]}
    async with framework.playing(stage, guards):
        await stage.settled()
        who = somebody(stage)

        async def ask(name: str, user_id: str) -> typing.Any:
            await stage.sim.slash(stage.guild_id, here["channel_id"], name, user_id=user_id)
            return await stage.answer()

        words = framework.refusal(await ask("here", who), "permissions")
        assert words == "You need the permissions Ban Members, Send Messages for this."
        assert (await ask("here", stage.guild["owner_id"]))["content"] == "ran"
        assert (await ask("there", who))["content"] == "ran"
        assert (await ask("anywhere", who))["content"] == "ran"
        words = framework.refusal(await ask("inside", who), "permissions")
        assert words == "You need the permission Send Messages for this."
        assert framework.refusal(await ask("nowhere", who), "permissions") == words
        await stage.sim.update_channel(stage.guild_id, closed["id"], permission_overwrites=[])
        assert (await ask("inside", who))["content"] == "ran"
        assert stage.asked() == {}


@pytest.mark.usefixtures("cache")
async def test_permissions_of_the_bot_are_computed_from_the_cache(stage: Stage, framework: Framework) -> None:
    closed = await stage.sim.create_channel(
        stage.guild_id, permission_overwrites=[payloads.overwrite(stage.guild_id, 0, "0", str(int(P.SEND_MESSAGES)))]
    )

    def guards(hooks: types.ModuleType) -> Mapping[str, typing.Any]:
        return {
            "there": hooks.bot_has_permissions(P.SEND_MESSAGES, channel=int(closed["id"])),
            "here": hooks.bot_has_permissions(P.SPEAK),
        }

    async with framework.playing(stage, guards):
        words = framework.refusal(await stage.run("there"), "bot permissions")
        assert words == "The bot needs the permission Send Messages for this."
        await stage.sim.update_channel(stage.guild_id, closed["id"], permission_overwrites=[])
        assert (await stage.run("there"))["content"] == "ran"
        words = framework.refusal(await stage.run("here"), "bot permissions")
        assert words == "The bot needs the permission Speak for this."  # no one can view that channel
        await stage.sim.update_channel(stage.guild_id, stage.channel_id, permission_overwrites=[])
        assert (await stage.run("here"))["content"] == "ran"
        assert stage.asked() == {}


@pytest.mark.usefixtures("cache")
async def test_time_is_required(stage: Stage, framework: Framework) -> None:
    now = datetime.datetime.now(datetime.UTC)
    a_day = datetime.timedelta(days=1)

    def guards(hooks: types.ModuleType) -> Mapping[str, typing.Any]:
        return {"days": hooks.member_since(7 * a_day), "then": hooks.member_since(now - 2 * a_day)}

    async with framework.playing(stage, guards):
        who = somebody(stage)
        assert (await stage.run("days", user_id=who))["content"] == "ran"
        assert (await stage.run("then", user_id=who))["content"] == "ran"
        joined = now - a_day
        await stage.sim.update_member(stage.guild_id, who, joined_at=joined.isoformat())
        words = framework.refusal(await stage.run("days", user_id=who), "time")
        assert words == f"You can use this from {joined + 7 * a_day:%d %B %Y, %H:%M} UTC on."
        words = framework.refusal(await stage.run("then", user_id=who), "time")
        assert words == f"Only members since {now - 2 * a_day:%d %B %Y, %H:%M} UTC can use this."
        assert stage.asked() == {}


@pytest.mark.usefixtures("cache")
async def test_a_direct_message_has_no_guild_to_ask_about(stage: Stage, framework: Framework) -> None:
    role = role_named(stage, "role-1")

    def guards(hooks: types.ModuleType) -> Mapping[str, typing.Any]:
        return {
            "role": hooks.has_role(role),
            "permissions": hooks.has_permissions(P.SEND_MESSAGES),
            "bot": hooks.bot_has_permissions(P.SEND_MESSAGES),
            "time": hooks.member_since(datetime.timedelta(days=7)),
            "elsewhere": hooks.member_since(datetime.timedelta(days=7), guild=int(stage.guild_id)),
        }

    async with framework.playing(stage, guards):
        for name in ("role", "permissions", "bot", "time"):
            answer = await stage.run_privately(name)
            assert framework.refusal(answer, "guild") == "This can only be used in a server."
        assert (await stage.run_privately("elsewhere"))["content"] == "ran"


@pytest.fixture(params=["it forgets", "it is closed"])
def ignorant(stage: Stage, request: pytest.FixtureRequest) -> persist.Cache:
    """Attach a cache that knows nothing: because of its rules, or because it could not be opened."""
    if request.param == "it is closed":
        return persist.Cache(stage.bot, "sqlite:///nowhere/cache.db")
    return persist.Cache(stage.bot, "memory://", rules=persist.Rules(off=frozenset(VIEWS) | {"own_user"}))


@pytest.mark.usefixtures("ignorant")
async def test_the_interaction_tells_what_the_cache_does_not_know(stage: Stage, framework: Framework) -> None:
    role = role_named(stage, "role-1")

    def guards(hooks: types.ModuleType) -> Mapping[str, typing.Any]:
        return {
            "role": hooks.has_role(role),
            "permissions": hooks.has_permissions(P.BAN_MEMBERS),
            "bot": hooks.bot_has_permissions(P.BAN_MEMBERS),
            "time": hooks.member_since(datetime.timedelta(days=7)),
        }

    async with framework.playing(stage, guards):
        who = somebody(stage)
        for name in ("permissions", "bot", "time"):
            assert (await stage.run(name, user_id=who))["content"] == "ran"
        words = framework.refusal(await stage.run("role", user_id=who), "roles")
        assert words == f"You need the role {role} to use this."
        await stage.sim.update_member(stage.guild_id, who, roles=[str(role)])
        assert (await stage.run("role", user_id=who))["content"] == "ran"


async def test_nobody_is_let_in_by_a_cache_that_cannot_tell(stage: Stage, framework: Framework) -> None:
    persist.Cache(stage.bot, "memory://", rules=persist.Rules(off={"roles"}))

    def guards(hooks: types.ModuleType) -> Mapping[str, typing.Any]:
        return {"there": hooks.has_permissions(P.VIEW_CHANNEL, guild=int(stage.guild_id))}

    async with framework.playing(stage, guards):
        words = framework.refusal(await stage.run("there", user_id=somebody(stage)), "permissions")
        assert words == "You need the permission View Channel for this."


@pytest.mark.usefixtures("cache")
async def test_some_are_free_of_another_hook(stage: Stage, framework: Framework) -> None:
    role = role_named(stage, "role-1")

    def guards(hooks: types.ModuleType) -> Mapping[str, typing.Any]:
        return {
            "patient": hooks.unless(hooks.has_role(role), COOLDOWNS[framework.name]()),
            "strict": hooks.unless(hooks.has_role(role), hooks.member_since(datetime.timedelta(days=100_000))),
        }

    async with framework.playing(stage, guards):
        who = somebody(stage)
        assert (await stage.run("patient", user_id=who))["content"] == "ran"
        assert (await stage.run("patient", user_id=who))["content"] != "ran"
        assert framework.refusal(await stage.run("strict", user_id=who), "time")
        await stage.sim.update_member(stage.guild_id, who, roles=[str(role)])
        for _ in range(2):
            assert (await stage.run("patient", user_id=who))["content"] == "ran"
        assert (await stage.run("strict", user_id=who))["content"] == "ran"


def _lightbulb_cooldown() -> typing.Any:
    import lightbulb  # noqa: PLC0415 - it may not be installed

    return lightbulb.prefab.fixed_window(60, 1, "user")


def _arc_cooldown() -> typing.Any:
    import arc  # noqa: PLC0415 - it may not be installed

    return arc.utils.user_limiter(60, 1)


def _crescent_cooldown() -> typing.Any:
    import crescent  # noqa: PLC0415 - it may not be installed

    seen: set[int] = set()

    async def cooldown(context: crescent.Context) -> crescent.HookResult | None:
        if context.user.id not in seen:
            seen.add(context.user.id)
            return None
        await context.respond("wait")
        return crescent.HookResult(exit=True)

    return cooldown


COOLDOWNS: typing.Final = {
    "lightbulb": _lightbulb_cooldown,
    "arc": _arc_cooldown,
    "crescent": _crescent_cooldown,
}


async def test_without_a_cache_the_way_out_is_told(stage: Stage, framework: Framework) -> None:
    if not framework.errors:
        pytest.skip("crescent hands no error of a hook to a handler; what raises it has a test of its own.")

    async with framework.playing(stage, lambda hooks: {"role": hooks.has_role(1)}, load=False):
        answer = await stage.run("role")
        assert answer["content"].startswith("LookupError: there is no cache yet; ")
        assert f"persist.integrations.{framework.name}" in answer["content"]


BAD: typing.Final[Mapping[str, typing.Any]] = {
    "no role": lambda hooks: hooks.has_role(),
    "a name of a role": lambda hooks: hooks.has_role("admin"),
    "a name of a guild": lambda hooks: hooks.has_role(1, guild="home"),
    "permissions by name": lambda hooks: hooks.has_permissions("BAN_MEMBERS"),
    "no permissions": lambda hooks: hooks.has_permissions(P.NONE),
    "a channel and a guild": lambda hooks: hooks.has_permissions(P.BAN_MEMBERS, channel=1, guild=1),
    "no permissions of the bot": lambda hooks: hooks.bot_has_permissions(P.NONE),
    "days": lambda hooks: hooks.member_since(7),
    "no hook": lambda hooks: hooks.unless(hooks.has_role(1), 5),
    "nobody excused": lambda hooks: hooks.unless(None, hooks.has_role(1)),
    "no time": lambda hooks: hooks.member_since(datetime.timedelta()),
    "a moment somewhere": lambda hooks: hooks.member_since(datetime.datetime(2026, 1, 1)),  # noqa: DTZ001
}


@pytest.mark.parametrize("bad", BAD)
def test_what_cannot_be_required_is_refused_at_once(framework: Framework, bad: str) -> None:
    with pytest.raises(persist.QueryError):
        BAD[bad](framework.integration.hooks)


def test_a_word_is_no_answer_to_those_who_are_refused() -> None:
    hooks = pytest.importorskip("persist.integrations.crescent").hooks
    with pytest.raises(persist.QueryError, match=r"refused must be an async function .* not 'no'"):
        hooks.has_role(1, refused="no")
