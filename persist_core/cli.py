"""The complete command line: our own commands and those of plugins."""

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
"""The modules that add commands to ``app`` when imported; to add one, write a file ``cli_*.py`` and a line here."""


def run() -> None:
    """Run a command, ours or a plugin's."""
    hooks.add()
    hooks.results("persist_commands", app=app)
    app(prog_name="persist")
