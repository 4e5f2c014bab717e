"""What database URLs have in common: several hosts, options with fixed names, and no passwords in messages."""

from __future__ import annotations

import pathlib
import re
import shlex
import stat
import typing
from collections.abc import Callable, Mapping

import yarl

from .errors import URLError

__all__ = (
    "COMPRESSION",
    "TIMEOUT",
    "TLS",
    "Option",
    "Read",
    "choice",
    "connections",
    "flag",
    "hidden",
    "hosts_of",
    "misplaced",
    "options_of",
    "parse",
    "seconds",
    "shown",
    "whole",
)

Read = Callable[[str], typing.Any]
"""Parses the value of an option. Raises :class:`ValueError` that says what it should have been."""


class Option(typing.NamedTuple):
    """An option of a URL, behind the ``?``."""

    read: Read
    about: str
    """What it does, and its default; a page of the documentation is made from these."""


_AUTHORITY: typing.Final = re.compile(r"(?P<start>[^/?#]*://(?:[^/?#]*@)?)(?P<hosts>[^/?#@]*)(?P<end>.*)", re.DOTALL)


def parse(url: str) -> yarl.URL:
    """Parse a URL that may name several hosts, ``scheme://one:1,two:2/name``: those after the first become ``?host=``.

    Raises
    ------
    ValueError
        If it is not a URL. The message contains no part of it.
    """
    found = _AUTHORITY.fullmatch(url)
    if found is None or "," not in found["hosts"]:
        return yarl.URL(url)
    first, *others = found["hosts"].split(",")
    return yarl.URL(f"{found['start']}{first}{found['end']}").extend_query([("host", other) for other in others])


def hosts_of(url: yarl.URL, port: int) -> list[tuple[str, int]]:
    """Return the hosts that a URL names, the one in its usual place first, then those of ``?host=``.

    If there is none in its usual place, a port there is that of the others: ``//user@:5433/name?host=/folder``.
    """
    if not url.host:
        port = url.port or port
    found = [(url.host, url.port or port)] if url.host else []
    for named in url.query.getall("host", []):
        if named.startswith("/"):  # the folder, or the name, of a socket
            found.append((named, port))
            continue
        try:
            other = yarl.URL(f"//{named}")
        except ValueError as error:
            msg = f"{named!r} in {shown(url)} is not a host, or a host and a port: {error}"
            raise URLError(msg) from error
        found.append((other.host or "localhost", other.port or port))
    return found or [("localhost", port)]


def options_of(url: yarl.URL, known: Mapping[str, Option | Read]) -> dict[str, typing.Any]:
    """Return the values of the options that a URL names.

    Parameters
    ----------
    url
        The URL.
    known
        The options that exist, or only their parsers.

    Raises
    ------
    persist.URLError
        If there is no such option, or its value cannot be read.
    """
    if url.fragment:
        msg = f"{shown(url)} has a #, and everything behind it would be ignored; write %23 for a literal #"
        raise URLError(msg)
    if unknown := sorted(set(url.query) - known.keys()):
        msg = f"{url.scheme}:// has no option {', '.join(unknown)}; it has: {', '.join(sorted(known)) or 'none'}"
        raise URLError(msg)
    found: dict[str, typing.Any] = {}
    for name, text in url.query.items():
        if name in found and name != "host":  # of hosts, there may be several to try
            msg = f"{name} is in {shown(url)} more than once; leave one"
            raise URLError(msg)
        option = known[name]
        try:
            found[name] = (option.read if isinstance(option, Option) else option)(text)
        except ValueError as error:
            msg = f"{name}={text} in {shown(url)} is not valid: it must be {error}"
            raise URLError(msg) from error
    return found


def connections(url: yarl.URL, options: Mapping[str, typing.Any]) -> tuple[int, int]:
    """Return how many connections to open at the start, and the maximum, from the options of a URL.

    Raises
    ------
    persist.URLError
        If the first is above the second.
    """
    least, most = options.get("min", 1), options.get("max", max(4, options.get("min", 1)))
    if least > most:
        msg = f"min={least} in {shown(url)} is above max={most}; make it {most} or less"
        raise URLError(msg)
    return least, most


def shown(url: yarl.URL) -> str:
    """Return a URL for people to read, without its password."""
    if url.host and url.fragment:  # a password with a #: what is before it was taken for a port
        url = url.with_fragment("***").with_port(None)
    text = str(url.with_password("***")) if url.password else hidden(str(url))
    return text if "://" in text else text.replace(":", "://", 1)  # yarl leaves out an empty host


_HIDDEN: typing.Final = (
    # A password that is not quoted may contain anything, including what ends it for a parser of URLs.
    (re.compile(r"^((?:[^/?#:]*://)?[^/?#:@]*):(?!//).*@", re.DOTALL), r"\1:***@"),
    (re.compile(r"^(?!.*://)([^:@]*):.*@", re.DOTALL), r"\1:***@"),
    (re.compile(r"(://[^/?#:@\[]*):(?!\d{1,5}(?:[/?#]|$))[^/?#@]*"), r"\1:***"),
    (re.compile(r"([?&][^=&]*pass[^=&]*=)[^&]*", re.IGNORECASE), r"\1***"),
)


def hidden(text: str) -> str:
    """Return a string that was given as a URL, without what may be a password."""
    for pattern, instead in _HIDDEN:
        text = pattern.sub(instead, text)
    return text


def seconds(text: str) -> float:
    """Parse a number of seconds."""
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < float("inf"):
        msg = "a number of seconds"
        raise ValueError(msg)
    return found


def whole(least: int) -> Read:
    """Return a parser of whole numbers from ``least`` up."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            msg = f"a whole number, {least} or more"
            raise ValueError(msg)
        return int(text)

    return read


def choice(*values: str) -> Read:
    """Return a parser of some words."""

    def read(text: str) -> str:
        if text not in values:
            msg = f"one of {', '.join(values)}"
            raise ValueError(msg)
        return text

    return read


def flag(text: str) -> bool:
    """Parse a bool."""
    known = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.lower() not in known:
        msg = "on or off"
        raise ValueError(msg)
    return known[text.lower()]


def misplaced(file: pathlib.Path) -> tuple[str, str] | None:
    """Return why a file cannot be where it should be, and the way out, if that is visible from here."""
    try:
        mode = file.stat().st_mode
    except PermissionError:  # is_dir() says False then, from Python 3.14 on
        return f"this user has no access to {str(file.parent)!r}", "give the bot's user access, or name another place"
    except OSError:
        mode = 0
    if stat.S_ISDIR(mode):
        return f"{str(file)!r} is a folder", f"name a file in it: {str(file / 'cache.db')!r}"
    if blocking := next((each for each in file.parents if each.is_file()), None):
        return f"{str(blocking)!r} is a file, not a folder", "name another place"
    if not file.parent.is_dir():
        return f"there is no folder {str(file.parent)!r}", f"create it first: mkdir -p {shlex.quote(str(file.parent))}"
    return None


COMPRESSION: typing.Final = Option(
    choice("none", "zstd"), "`zstd` [compresses](../how-to/compress.md) payloads; `none` is the default"
)
TIMEOUT: typing.Final = Option(
    seconds,
    "seconds to wait for a connection, or to write where another process holds a lock, before trying again (10)",
)
TLS: typing.Final[Mapping[str, Option]] = {
    "sslcert": Option(str, "the file with your own certificate"),
    "sslkey": Option(str, "the file with its key"),
    "sslrootcert": Option(str, "the file with the certificates to trust"),
}
