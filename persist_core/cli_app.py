"""The command line without commands: each ``cli_*.py`` adds its own to ``app``, and ``cli.py`` lists them all."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import typing

import typer
import typer.core

__all__ = ("CARE", "LOOK", "MOVE", "URL", "Json", "app")

LOOK, MOVE, CARE = "Look", "Save and move", "Look after"
"""The headings of commands in the help."""

_ENVIRONMENT: typing.Final = "PERSIST_URL"


class _Command(typer.core.TyperCommand):
    """A command whose URL can be left out if the environment has it, even if other arguments follow.

    If the URL is an option, it can be the first argument too, as in all other commands.
    """

    def parse_args(self, ctx: typing.Any, args: list[str]) -> list[str]:
        """Parse the arguments as they are, or else with the URL of the environment in front."""
        if args and "://" in args[0] and "--url" not in args and any("--url" in param.opts for param in self.params):
            args = ["--url", *args]
        try:
            return super().parse_args(ctx, list(args))
        except typer.BadParameter:
            url, is_named = os.environ.get(_ENVIRONMENT), any("://" in arg for arg in args)
            if url is None or is_named or not any(param.envvar == _ENVIRONMENT for param in self.params[:1]):
                raise
            ctx.params.clear()
            with contextlib.suppress(typer.BadParameter):
                return super().parse_args(ctx, [url, *args])
            raise


class _App(typer.Typer):
    """Commands, ours and those of plugins, with or without a URL as the first argument."""

    def command(self, *args: typing.Any, **kwargs: typing.Any) -> typing.Any:
        """Make a command of a function, as Typer does."""
        return super().command(*args, **{"cls": _Command, **kwargs})


app: typer.Typer = _App(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Look after a persistent cache."
)

URL = typing.Annotated[
    str, typer.Argument(metavar="URL", envvar=_ENVIRONMENT, help="A database, such as sqlite:///cache.db")
]
Json = typing.Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def _say_version(wanted: bool) -> None:  # noqa: FBT001 - Typer calls it
    if wanted:
        typer.echo(f"persist {importlib.metadata.version('hikari-persist')}")
        raise typer.Exit


Version = typing.Annotated[
    bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version of persist.")
]


@app.callback()
def _begin(*, version: Version = False) -> None:
    del version
