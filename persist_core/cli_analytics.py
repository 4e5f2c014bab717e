"""``persist analytics``: views for queries in SQL."""

from __future__ import annotations

import typer

from . import analytics
from .cli_app import CARE, URL, Json, app
from .cli_output import ask, said, sql_store

__all__ = ("install",)

_views = typer.Typer(no_args_is_help=True, help="Views for your own queries in SQL.")
app.add_typer(_views, name="analytics", rich_help_panel=CARE)


@_views.command()
def install(url: URL, *, as_json: Json = False) -> None:
    """Create the views, or create them again if they exist."""
    ask(_install(url, as_json=as_json), as_json=as_json)


async def _install(url: str, *, as_json: bool) -> bool:
    store = sql_store(url)
    await store.open()
    try:
        await store.run(analytics.statements)
    finally:
        await store.close()
    said({"views": list(analytics.VIEWS)}, [{"view": name} for name in analytics.VIEWS], as_json=as_json)
    return True
