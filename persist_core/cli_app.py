"""The command line before it has commands: each ``cli_*.py`` adds its own to ``app``, and ``cli.py`` names them all."""

from __future__ import annotations

import typing

import typer

__all__ = ("CARE", "LOOK", "MOVE", "URL", "Json", "app")

LOOK, MOVE, CARE = "Look", "Save and move", "Look after"
"""Under what commands stand in the help."""

app: typer.Typer = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Look after a persistent cache."
)

URL = typing.Annotated[
    str, typer.Argument(metavar="URL", envvar="PERSIST_URL", help="A database, such as sqlite:///cache.db")
]
Json = typing.Annotated[bool, typer.Option("--json", help="Say it as JSON, for programs.")]
