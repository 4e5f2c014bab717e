"""The documentation builds, names everything public, shows code that runs, and has no broken links."""

from __future__ import annotations

import ast
import functools
import http.server
import importlib.util
import os
import pathlib
import re
import subprocess
import sys
import threading
import tomllib
import types
import typing
import warnings
from collections.abc import Iterator

import bots
import browser
import hikari
import pytest

import persist
from persist import errors, plugins, spi
from persist.entities import ENTITIES
from persist.keep import LISTS
from persist.lifecycle import MARKED, deprecated, experimental
from persist.metrics import METRICS
from persist.rules import KINDS

ROOT: typing.Final = pathlib.Path(__file__).parents[1]
PAGES: typing.Final = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
REFERENCE: typing.Final = ROOT / "docs" / "reference"


def blocks(language: str) -> list[typing.Any]:
    """Return the code blocks of a language, each named after its page."""
    pattern = re.compile(rf"^```{language}\n(.*?)^```", re.MULTILINE | re.DOTALL)
    return [
        pytest.param(block, id=f"{page.relative_to(ROOT)}:{number}")
        for page in PAGES
        for number, block in enumerate(pattern.findall(page.read_text()), 1)
    ]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    if importlib.util.find_spec("mkdocs") is None:
        pytest.skip("mkdocs is not installed in this environment")
    folder = tmp_path_factory.mktemp("site")
    # Not with --quiet, which suppresses the warnings that --strict counts.
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


# ------------------------------------------------------------------------------------------------------------- the site


def test_the_site_asks_nothing_of_another_host(site: pathlib.Path) -> None:
    asked = re.compile(
        r"""<(?:script|img|iframe)[^>]+src=["']?(?:https?:)?//|<link[^>]+stylesheet[^>]+href=["']?https?:"""
    )
    assert [page.name for page in site.rglob("*.html") if asked.search(page.read_text())] == []
    fetched = re.compile(r"""@import|url\(["']?(?:https?:)?//""")
    assert [page.name for page in site.rglob("*.css") if fetched.search(page.read_text())] == []


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def home(site: pathlib.Path) -> Iterator[str]:
    """Serve the site to a browser on this machine."""
    if browser.program() is None:
        if os.environ.get("PERSIST_REQUIRE_SERVERS") == "1":
            pytest.fail("Chromium is not installed")
        pytest.skip("Chromium is not installed")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


async def test_pages_fit_a_narrow_screen_and_ask_nothing_of_another_host(site: pathlib.Path, home: str) -> None:
    widths = dict.fromkeys(_pages(site), 0)
    async with browser.opened() as tab:
        for page in widths:
            await tab.show(home + page, width=400)
            widths[page] = await tab.value("document.documentElement.scrollWidth")
    assert {page: width for page, width in widths.items() if width != 400} == {}
    assert {url for url in tab.asked if not url.startswith((home, "data:"))} == set()


def _pages(site: pathlib.Path) -> list[str]:
    return sorted(f"{page.parent.relative_to(site).as_posix()}/" for page in site.rglob("index.html"))


def test_links_lead_to_pages_and_headings_that_there_are(site: pathlib.Path) -> None:
    def lost(page: pathlib.Path) -> Iterator[str]:
        for link in re.findall(r'<a [^>]*href="([^"]+)"', page.read_text()):
            if re.match(r"[a-z]+:|//", link) or page.name == "404.html":
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file() or (anchor and f'id="{anchor}"' not in target.read_text()):
                yield f"{page.relative_to(site)} -> {link}"

    assert [link for page in site.rglob("*.html") for link in lost(page)] == []


def test_docstrings_are_read_as_what_they_are(site: pathlib.Path) -> None:
    strange = re.compile(r":(?:attr|class|exc|func|meth|mod):|``|::</p>|<p>Parameters<")
    found = {page.parent.name: match for page in site.rglob("*.html") if (match := strange.findall(page.read_text()))}
    assert found == {}


def test_pages_link_to_files_that_are_in_the_repository() -> None:
    links = {
        (page, link)
        for page in PAGES
        for link in re.findall(
            r"\]\(((?!https?:)[^)#\s]+)", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
        )
    }
    assert [f"{page.name} -> {link}" for page, link in links if not (page.parent / link).is_file()] == []


def test_pages_that_are_made_are_what_would_be_made_now(tmp_path: pathlib.Path) -> None:
    for name in ("lightbulb", "arc", "tanjun", "crescent", "typer", "asyncpg", "aiomysql"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed in this environment")
    subprocess.run([sys.executable, ROOT / "docs" / "tables.py", tmp_path], check=True)
    made = {page.relative_to(tmp_path): page.read_text() for page in tmp_path.rglob("*.md")}
    assert made
    written = {page: file.read_text() for page in made if (file := ROOT / "docs" / page).is_file()}
    assert written == made, "run `make pages`"


# --------------------------------------------------------------------------------------------- everything is documented


def test_every_public_name_is_documented(site: pathlib.Path) -> None:
    pages = "".join(page.read_text() for page in site.rglob("*.html"))
    assert [name for name in persist.__all__ if not re.search(rf"\b{name}\b", pages)] == []


@pytest.mark.parametrize("cache", [persist.Cache, persist.ReadOnlyCache])
def test_every_method_of_a_cache_is_documented(site: pathlib.Path, cache: type) -> None:
    page = (site / "reference" / "cache" / "index.html").read_text()
    methods = [name for name in dir(cache) if not name.startswith("_") and callable(getattr(cache, name))]
    assert [name for name in methods if f'id="persist.{cache.__name__}.{name}"' not in page] == []


def test_every_hook_is_documented_and_has_a_test() -> None:
    hooks = [name for name in vars(spi) if name.startswith("persist_")]
    page = (REFERENCE / "backends.md").read_text()
    assert [hook for hook in hooks if hook not in page] == []
    tests = "".join(each.read_text() for each in (ROOT / "tests").glob("*.py"))
    assert [hook for hook in hooks if f"def {hook}" not in tests + _example()] == []


def _example() -> str:
    return (ROOT / "examples" / "your_own_backend" / "persist_redis.py").read_text()


def test_every_error_is_documented() -> None:
    page = (REFERENCE / "errors.md").read_text()
    assert [name for name in errors.__all__ if f"::: persist.{name}\n" not in page] == []


@pytest.mark.parametrize("scheme", ["sqlite", "memory", "postgresql", "postgres", "mysql", "mariadb"])
def test_every_option_of_a_url_is_documented_and_no_other(scheme: str, site: pathlib.Path) -> None:
    try:
        backend = plugins.backend(scheme)
    except persist.MissingDriverError as error:
        pytest.skip(str(error))
    with pytest.raises(persist.URLError) as caught:
        plugins.open_store(
            f"{scheme}://{'/a' if scheme == 'sqlite' else 'h/a' if scheme != 'memory' else ''}?nonesuch=1"
        )
    read = re.split(r"has no option nonesuch; it has: ", str(caught.value))[1].split(", ")
    assert read == sorted(backend.options)
    assert all(option.about for option in backend.options.values())
    named = {"postgres": "postgresql", "mariadb": "mysql"}.get(scheme, scheme)
    page = (site / "reference" / "urls" / "index.html").read_text()
    section = page.partition(f'<h2 id="{named}">')[2].partition("<h2")[0]
    assert re.findall(r"<td><code>(\w+)</code></td>", section) == read


def test_every_intent_of_every_kind_has_its_line(site: pathlib.Path) -> None:
    page = (site / "reference" / "intents" / "index.html").read_text()
    lines = dict(re.findall(r"<tr>\s*<td><code>(\w+)</code>.*?</td>\s*<td>(.*?)</td>", page, re.DOTALL))
    for entity in ENTITIES.values():
        for intent in entity.intents.split():
            assert f"<code>{entity.name}</code>" in lines[intent.name], (entity.name, intent)
    assert "<code>MESSAGE_CONTENT</code> <em>privileged</em>" in page


def test_what_rules_may_say_of_each_kind_is_what_they_take(site: pathlib.Path) -> None:
    page = (site / "reference" / "rules-by-kind" / "index.html").read_text()
    rows = re.findall(r"<tr>\s*<td><code>(\w+)</code>.*?</td>\s*<td>(.*?)</td>\s*<td>(.*?)</td>", page, re.DOTALL)
    assert {name for name, _, _ in rows} == set(KINDS)
    for name, lists, fields in rows:
        said = {each: [1] for each in re.findall(r"<code>(\w+)</code>", lists)}
        for each in LISTS:
            wish: typing.Any = {name: persist.Keep(**{each: [1]})}  # type: ignore[arg-type]
            if each in said:
                persist.Rules(**wish)
            else:
                with pytest.raises(persist.QueryError):
                    persist.Rules(**wish)
        for field in re.findall(r"<code>(\w+)</code>", fields):
            dropping: typing.Any = {name: persist.Keep(drop={field})}
            persist.Rules(**dropping)


def test_every_metric_and_everything_marked_has_its_line(site: pathlib.Path) -> None:
    metrics = (site / "reference" / "metrics" / "index.html").read_text()
    assert [name for name in METRICS if name not in metrics] == []
    lifecycle = (site / "reference" / "lifecycle" / "index.html").read_text()
    ours = [name for name in MARKED if name.startswith("persist.")]
    assert [name for name in ours if name not in lifecycle] == []


@pytest.fixture
def _marks() -> Iterator[None]:
    marked = typing.cast("dict[str, object]", MARKED)
    before = dict(marked)
    yield
    marked.clear()
    marked.update(before)


@pytest.mark.usefixtures("_marks")
def test_what_is_marked_warns_where_it_is_used_and_only_then() -> None:
    @deprecated(since="1.1", until="2.0", note="use the other one.")
    def function() -> int:
        return 7

    @experimental(since="1.1", note="it may grow.")
    class Thing:
        @deprecated(since="1.2", until="2.0", note="call new().")
        def old(self) -> int:
            return 8

        @deprecated("way", since="1.3", until="2.0", note="it is the best one by itself.")
        def new(self, *, way: str = "best") -> str:
            return way

    class Other:
        @experimental("warm", since="1.0", note="what it fills may grow.")
        def __init__(self, place: str, warm: bool = False) -> None:  # noqa: FBT001, FBT002 - it may be given by place
            self.known = (place, warm)

    uses: dict[str, tuple[type[Warning], typing.Callable[[], object]]] = {
        r"function has been deprecated since 1\.1 and will be removed in 2\.0: use the other": (
            DeprecationWarning,
            function,
        ),
        r"Thing has been experimental since 1\.1: it may grow": (persist.ExperimentalWarning, Thing),
        r"Other\(warm=\) has been experimental": (persist.ExperimentalWarning, lambda: Other("here", True)),  # noqa: FBT003
    }
    for message, (category, use) in uses.items():
        with pytest.warns(category, match=message) as caught:
            use()
        assert [each.filename for each in caught] == [__file__]
    with pytest.warns(persist.ExperimentalWarning):
        thing = Thing()
    with pytest.warns(DeprecationWarning, match=r"Thing\.old has been deprecated since 1\.2"):
        assert thing.old() == 8
    with pytest.warns(DeprecationWarning, match=r"Thing\.new\(way=\) has been deprecated"):
        assert thing.new(way="other") == "other"
    assert thing.new() == "best"
    assert Other("here").known == ("here", False)
    assert [mark.until for name, mark in MARKED.items() if name.endswith("<locals>.function")] == ["2.0"]
    with pytest.raises(TypeError, match="has no parameter 'gone'; it has: self, place, warm"):
        experimental("gone", since="1.0", note="it is not there.")(Other.__init__)


# --------------------------------------------------------------------------------------------------------- code is code

FRAMEWORKS: typing.Final = ("arc", "crescent", "lightbulb", "tanjun", "prometheus_client", "opentelemetry")


@pytest.fixture
def place(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISCORD_TOKEN", bots.TOKEN)
    monkeypatch.setenv("PERSIST_URL", "sqlite:///cache.db")
    monkeypatch.setenv("FIRST_SHARD", "0")
    monkeypatch.setenv("CACHE_KEY", persist.Encryption.new_key())
    monkeypatch.setattr(hikari.GatewayBot, "run", lambda *_, **__: None)
    for bot in (hikari.GatewayBot, hikari.RESTBot):  # "token" is a placeholder
        make = functools.partialmethod(_made, bot.__init__)
        monkeypatch.setattr(bot, "__init__", make)
    (tmp_path / "persist.toml").write_text("")
    return tmp_path


def _made(bot: object, make: typing.Callable[..., None], token: str, *rest: typing.Any, **named: typing.Any) -> None:
    assert token in {"token", bots.TOKEN}
    make(bot, bots.TOKEN, *rest, **named, suppress_optimization_warning=True)


@pytest.mark.parametrize("block", blocks("python"))
@pytest.mark.filterwarnings("ignore::hikari.MissingIntentWarning", "ignore::persist.ExperimentalWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:alluka", "ignore::DeprecationWarning:tanjun")
@pytest.mark.usefixtures("place")
def test_code_in_the_documentation_runs(block: str) -> None:
    tree = ast.parse(block)
    names = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "persist"
    }
    for name in FRAMEWORKS:
        if re.search(rf"^import {name}\b", block, re.MULTILINE):
            pytest.importorskip(name)
    assert [name for name in sorted(names - {"integrations", "metrics"}) if not hasattr(persist, name)] == []
    if not _begins_by_itself(tree):
        compile(block, "block", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        return
    module = types.ModuleType("block")
    module.__dict__["TOKEN"] = bots.TOKEN
    sys.modules["block"] = module
    try:
        with warnings.catch_warnings():
            exec(compile(block, "block", "exec", dont_inherit=True), module.__dict__)
    finally:
        del sys.modules["block"]


def _begins_by_itself(tree: ast.Module) -> bool:
    """Return whether code imports everything that it uses, so that it can be a file."""
    imports = any(isinstance(node, ast.Import) and node.names[0].name == "persist" for node in tree.body)
    waits = any(isinstance(node, ast.Await) for statement in tree.body for node in _outside(statement))
    return imports and not waits and "pytest" not in ast.unparse(tree) and "_open" not in ast.unparse(tree)


def _outside(node: ast.AST) -> Iterator[ast.AST]:
    """Yield everything outside functions."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield node
        for child in ast.iter_child_nodes(node):
            yield from _outside(child)


def test_types_in_the_documentation_are_right(tmp_path: pathlib.Path) -> None:
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed in this environment")
    for number, block in enumerate(each.values[0] for each in blocks("python")):
        # Frameworks read annotations in their own ways; that code is run instead.
        if _begins_by_itself(ast.parse(block)) and not re.search(
            rf"^import ({'|'.join(FRAMEWORKS)})$", block, re.MULTILINE
        ):
            (tmp_path / f"block_{number}.py").write_text(f"TOKEN = ''\n{block}")
    command = [sys.executable, "-m", "mypy", "--config-file", "", "--ignore-missing-imports", "--check-untyped-defs"]
    command += ["--allow-redefinition", "--cache-dir", str(tmp_path / "cache"), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("block", blocks("toml"))
def test_toml_in_the_documentation_can_be_used(block: str, tmp_path: pathlib.Path) -> None:
    if "keep" not in tomllib.loads(block):
        return
    (tmp_path / "mybot").mkdir()
    (tmp_path / "mybot" / "rules.py").write_text("def is_human(member): return not member.is_bot")
    file = tmp_path / "persist.toml"
    file.write_text(block)
    rules = persist.Rules.load(file)
    persist.Cache(
        hikari.GatewayBot("OTAw.fake.token", banner=None, logs=None, intents=hikari.Intents.ALL),
        "memory://",
        rules=rules,
    )


def commands() -> list[str]:
    found = {
        line for page in PAGES for line in re.findall(r"^\$ (?:.*&& )?(persist .*)$", page.read_text(), re.MULTILINE)
    }
    return sorted(found)


@pytest.mark.parametrize("line", commands())
def test_commands_in_the_documentation_are_commands(line: str) -> None:
    main = pytest.importorskip("typer.main")
    cli = pytest.importorskip("persist.cli")
    command = main.get_command(cli.app)
    words = line.partition("|")[0].split()[1:]
    while (inner := getattr(command, "commands", None)) is not None:
        assert words[0] in inner, f"there is no command {words[0]}"
        command = inner[words.pop(0)]
    options = {name for parameter in command.params for name in parameter.opts}
    assert [word for word in words if word.startswith("--") and word not in options] == []
