"""The same bot in three command frameworks: hooks guard its commands, or the commands show a converted argument."""

# Annotations are not postponed: the frameworks read them, and each framework is imported only where it is used.

import contextlib
import importlib
import types
import typing
from collections.abc import AsyncIterator, Callable, Mapping

import hikari
import pytest
from fakecord import Payload
from frameworks import Stage

__all__ = ("FRAMEWORKS", "Framework", "Guards", "described", "framework_named")

Guards = Callable[[types.ModuleType], Mapping[str, typing.Any]]
"""Makes hooks from a framework's module, by the names of the commands that they guard."""


class Framework(typing.NamedTuple):
    """How to make a bot with a framework, and how that framework refuses to run a command.

    Attributes
    ----------
    name
        The name of the framework and of the module in ``persist.integrations``.
    errors
        The class of the error for each unmet requirement; empty if the hook itself tells the user.
    begin
        Returns a client, and functions that add a guarded command and one that converts its argument.
    """

    name: str
    errors: Mapping[str, str]
    begin: Callable[[Stage], "_Client"]

    @property
    def integration(self) -> types.ModuleType:
        """The module that is tested."""
        return importlib.import_module(f"persist.integrations.{self.name}")

    @contextlib.asynccontextmanager
    async def playing(self, stage: Stage, guards: Guards = lambda _: {}, *, load: bool = True) -> AsyncIterator[None]:
        """Run a bot until the block ends; a command replies ``ran`` if its hook allows it, and otherwise why not."""
        client = self.begin(stage)
        for name, hook in guards(self.integration.hooks).items():
            client.guard(name, hook)
        for name in ("member", "role", "channel", "message"):
            client.convert(f"to-{name}", getattr(self.integration.converters, f"to_{name}"))
        if load:
            self.integration.install(client.itself)
        async with stage.playing():
            await stage.sim.wait_until(client.is_started)
            yield

    def refusal(self, answer: Payload, what: str) -> str:
        """Return the message of a refusal, after checking its form."""
        if not self.errors:
            assert answer["flags"] == hikari.MessageFlag.EPHEMERAL
            return str(answer["content"])
        kind, _, words = str(answer["content"]).partition(": ")
        assert kind == self.errors[what]
        return words


class _Client(typing.NamedTuple):
    itself: typing.Any
    guard: Callable[[str, typing.Any], None]
    convert: Callable[[str, typing.Any], None]
    is_started: Callable[[], bool]


def described(thing: typing.Any) -> str:
    """Return a description of an object: its type and its id."""
    return f"{type(thing).__name__} {thing.id}"


def _error(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _lightbulb(stage: Stage) -> _Client:
    import lightbulb  # noqa: PLC0415 - it may not be installed

    client = lightbulb.client_from_app(stage.bot)
    started: list[hikari.Event] = []

    def guard(name: str, hook: typing.Any) -> None:
        class Guarded(lightbulb.SlashCommand, name=name, description="A command", hooks=[hook]):
            @lightbulb.invoke
            async def invoke(self, context: lightbulb.Context) -> None:
                await context.respond("ran")

        client.register(Guarded)

    def convert(name: str, converter: typing.Any) -> None:
        class Converting(lightbulb.SlashCommand, name=name, description="A command"):
            it = lightbulb.string("it", "What is meant", converter=converter)

            @lightbulb.invoke
            async def invoke(self, context: lightbulb.Context) -> None:
                await context.respond(described(self.it))

        client.register(Converting)

    @client.error_handler
    async def on_error(error: lightbulb.exceptions.ExecutionPipelineFailedException) -> bool:
        cause = error.causes[0]
        converting = isinstance(cause, lightbulb.exceptions.ConversionFailedException)
        await error.context.respond(_error(cause.__cause__ if converting and cause.__cause__ else cause))
        return True

    async def on_started(event: hikari.StartedEvent) -> None:
        await client.start()
        started.append(event)

    stage.bot.subscribe(hikari.StartedEvent, on_started)
    return _Client(client, guard, convert, lambda: bool(started))


def _arc(stage: Stage) -> _Client:
    import arc  # noqa: PLC0415 - it may not be installed

    # On a slow machine, it would defer by itself before the command responds.
    client = arc.GatewayClient(stage.bot, autodefer=False)

    def guard(name: str, hook: typing.Any) -> None:
        async def guarded(context: arc.GatewayContext) -> None:
            await context.respond("ran")

        client.include(arc.with_hook(hook)(arc.slash_command(name, "A command")(guarded)))

    def convert(name: str, converter: typing.Any) -> None:
        async def converting(context: arc.GatewayContext, it: arc.Option[str, arc.StrParams("What is meant")]) -> None:
            await context.respond(described(await converter(context, it)))

        client.include(arc.slash_command(name, "A command")(converting))

    async def on_error(context: arc.GatewayContext, error: Exception) -> None:
        await context.respond(_error(error))

    client.set_error_handler(on_error)
    return _Client(client, guard, convert, lambda: client.is_started)


def _crescent(stage: Stage) -> _Client:
    import crescent  # noqa: PLC0415 - it may not be installed

    client = crescent.Client(stage.bot)

    def guard(name: str, hook: typing.Any) -> None:
        @client.include
        @crescent.hook(hook)
        @crescent.command(name=name)
        async def guarded(context: crescent.Context) -> None:
            await context.respond("ran")

    def convert(name: str, converter: typing.Any) -> None:
        @client.include
        @crescent.command(name=name)
        class Converting:
            it = crescent.option(str)

            async def callback(self, context: crescent.Context) -> None:
                await context.respond(described(await converter(context, self.it)))

    @client.include
    @crescent.catch_command(Exception)
    async def on_error(error: Exception, context: crescent.Context) -> None:
        await context.respond(_error(error))

    return _Client(client, guard, convert, lambda: True)


FRAMEWORKS: typing.Final = (
    Framework(
        "lightbulb",
        {
            "guild": "NotInGuild",
            "roles": "MissingRequiredRoles",
            "permissions": "MissingRequiredPermission",
            "bot permissions": "BotMissingRequiredPermissions",
            "time": "MemberTooNew",
        },
        _lightbulb,
    ),
    Framework(
        "arc",
        {
            "guild": "GuildOnlyError",
            "roles": "InvokerMissingRolesError",
            "permissions": "InvokerMissingPermissionsError",
            "bot permissions": "BotMissingPermissionsError",
            "time": "MemberTooNewError",
        },
        _arc,
    ),
    Framework("crescent", {}, _crescent),
)


def framework_named(name: str) -> Framework:
    """Return a framework, or skip the test if it is not installed."""
    pytest.importorskip(name, reason=f"{name} is not installed.")
    return next(framework for framework in FRAMEWORKS if framework.name == name)
