"""``persist rekey`` and ``persist new-key``: encrypting stored data with the keys of ``PERSIST_KEYS``."""

from __future__ import annotations

import typing

import typer

from .cli_app import URL, Json, app
from .cli_output import ask, failed, growing, said, sql_store
from .encryption import Encryption

__all__ = ("new_key", "rekey")


@app.command("new-key")
def new_key(*, as_json: Json = False) -> None:
    """Make a key for encryption. Store it apart from the database; without it, the stored data is lost."""
    key = Encryption.new_key()
    if as_json:
        said({"key": key}, as_json=True)
    else:
        typer.echo(key)


@app.command()
def rekey(
    url: URL,
    *,
    decrypt: typing.Annotated[
        bool, typer.Option("--decrypt", help="Store everything in plain text from now on.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Encrypt stored data with the first key of PERSIST_KEYS, or the current one of PERSIST_KEYS_FILE.

    Bots with the new settings can keep running; stop all others. If it is interrupted, run it again.
    """
    ask(_rekey(url, decrypt=decrypt, as_json=as_json), as_json=as_json)


async def _rekey(url: str, *, decrypt: bool, as_json: bool) -> bool:
    store = sql_store(url)
    with growing("Rewriting", as_json=as_json) as seen:
        done = await store.rekey(seen, decrypt=decrypt)
    key = store.sealing.encryption.current if store.sealing.encryption and not decrypt else None
    said({"rewritten": done.rewritten, "unreadable": done.unreadable, "key": key}, as_json=as_json)
    if done.unreadable:
        failed(f"{done.unreadable} records cannot be read and were left as they are", as_json=as_json)
    return not done.unreadable
