"""``python -m persist`` runs ``persist``, the command line."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line, or say which package it needs."""
    try:
        from .cli import run  # noqa: PLC0415 - an extra; the sentence below is for those without it
    except ModuleNotFoundError as error:
        if error.name not in {"typer", "rich"}:
            raise
        sys.exit(f"The command line needs {error.name}; install it with: pip install 'hikari-persist[cli]'")
    run()


if __name__ == "__main__":
    main()
