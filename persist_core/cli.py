"""The command line, whole: our own commands and what plugins add."""

from __future__ import annotations

import typing

from . import (
    cli_analytics,
    cli_checking,
    cli_encryption,
    cli_looking,
    cli_moving,
    cli_privacy,
    cli_rules,
    cli_saving,
    hooks,
)
from .cli_app import app

__all__ = ("COMMANDS", "app", "run")

COMMANDS: typing.Final = (
    cli_analytics,
    cli_checking,
    cli_encryption,
    cli_looking,
    cli_moving,
    cli_privacy,
    cli_rules,
    cli_saving,
)
"""The modules that add commands to ``app``, by being imported: a new one is a file ``cli_*.py`` and a line here."""


def run() -> None:
    """Run a command, one of ours or of a plugin."""
    hooks.add()
    hooks.results("persist_commands", app=app)
    app(prog_name="persist")
