"""Watch a bot lose its process and keep its memory: `make demo`.

This starts a fake Discord and, in a separate process, an unmodified hikari bot with lightbulb commands (demo_bot.py).
It asks the bot some questions, kills it with SIGKILL, starts it again, and asks the same questions. A wrong answer
makes the program exit with 1. If DISCORD_TOKEN is set, the bot runs against the real Discord instead.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import pathlib
import runpy
import statistics
import sys
import time
import typing

import rich.box
import rich.console
import rich.panel
import rich.table
from demo_stage import GUILDS, BotError, Stage

_SAID: typing.Final = "SELECT content FROM messages WHERE content LIKE '%lighthouse%'"

out: typing.Final = rich.console.Console(highlight=False, width=None if sys.stdout.isatty() else 100)


@dataclasses.dataclass
class Question:
    """A slash command, the expected answers before the kill and after the restart, and the actual answers."""

    command: tuple[str, ...]
    before: str
    after: str
    between: str
    answers: list[str] = dataclasses.field(default_factory=list)

    def is_right(self) -> bool:
        return self.answers == [self.before, self.after]


def questions(members: int) -> list[Question]:
    """Return the questions, for a Discord that starts with this many members."""
    now, earlier = "seen in this session", "remembered from an earlier session"
    place = f"of {len(GUILDS)} guilds"
    return [
        Question(
            ("find", "lighthouse"),
            "Coral: Meet at the lighthouse at eight",
            "Coral: Meet at the lighthouse at nine",
            "Edited just before the kill. Nobody asked.",
        ),
        Question(("who", "finn"), "nobody", f"Finn, {earlier}", "Joined just before the kill."),
        Question(
            ("members",),
            f"{members:,} members {place}",
            f"{members + 1:,} members {place}",
            "None of them was asked for again.",
        ),
        Question(("roles",), "Captain, Diver", "Captain", "Diver was deleted while the bot was down."),
        Question(
            ("who", "zoe"),
            f"Zoe, {now}",
            f"Zoe, {earlier}",
            "Left while the bot was down. Discord never says so, and the answer claims no more than it knows.",
        ),
    ]


def step(title: str) -> None:
    out.print(f"\n[bold cyan]{title}[/]")


def say(text: str) -> None:
    out.print(f"  {text}")


async def asked(stage: Stage, asking: list[Question]) -> list[float]:
    """Ask every question, print each answer as it arrives, and return how long each one took."""
    took = []
    for question in asking:
        answer, seconds = await stage.ask(*question.command)
        question.answers.append(answer)
        took.append(seconds)
        say(f"[dim]/{' '.join(question.command):16}[/] {answer}")
    return took


# ----------------------------------------------------------------------------------------------------------- the story


async def first_life(stage: Stage, asking: list[Question]) -> None:
    """Let the bot learn, ask it, and then cause changes that no question has touched yet."""
    step("1  A bot starts for the first time")
    with out.status("it connects and learns"):
        began = time.perf_counter()
        async with stage.bot():
            await stage.until_in_file("SELECT COUNT(*) FROM members", stage.members)
            say(f"After {time.perf_counter() - began:.1f} s its SQLite file has all {stage.members:,} members.")
            message = await stage.write("Coral", "Meet at the lighthouse at eight")
            say("Coral writes a message, and somebody runs slash commands:")
            await asked(stage, asking)
            step("2  Something happens, nobody asks, and the bot is killed")
            await stage.join("Finn")
            await stage.edit(message, "Meet at the lighthouse at nine")
            milliseconds = 1000 * await stage.until_in_file(_SAID, "Meet at the lighthouse at nine")
            say("Finn joins. Coral edits the message: at [bold]nine[/].")
            say(f"{milliseconds:.0f} ms later the file has both. Then:  [bold red]kill -9[/]")


async def nobody_runs(stage: Stage) -> None:
    """Look into the file, and cause changes that no bot receives."""
    step("3  No bot is running")
    say(f'sqlite3 cache.db [dim]"PRAGMA integrity_check"[/]        {stage.in_file("PRAGMA integrity_check")}')
    say(f'sqlite3 cache.db [dim]"SELECT content FROM messages"[/]  {stage.in_file(_SAID)}')
    await stage.sim.delete_role(stage.guild["id"], stage.roles["Diver"]["id"])
    await stage.sim.remove_member(stage.guild["id"], stage.id_of("Zoe"))
    say("The role Diver is deleted. Zoe leaves. The bot hears of neither.")


async def second_life(stage: Stage, asking: list[Question]) -> dict[str, str]:
    """Start the bot again, ask the same questions, and return the numbers to report."""
    lookups, requests = stage.lookups, stage.member_requests
    step("4  The bot starts again, and is asked the same")
    began = time.perf_counter()
    with out.status("it connects"):
        async with stage.bot():
            took = await asked(stage, asking)
            first = time.perf_counter() - began - sum(took[1:])
    asked_again = stage.member_requests - requests
    return {
        "REST calls to look something up": str(stage.lookups - lookups),
        "Guilds whose members it asked Discord for": f"{requests} at first, {asked_again} after the restart",
        "From starting the process to its first answer": f"{first:.1f} s",
        "From a slash command to its answer": f"{1000 * statistics.median(took):.0f} ms",
    }


# ---------------------------------------------------------------------------------------------------------- the result


def table(asking: list[Question]) -> rich.table.Table:
    """Return the questions and answers side by side."""
    made = rich.table.Table(box=rich.box.SIMPLE_HEAD, expand=True, pad_edge=False)
    made.add_column("")
    made.add_column("Asked", style="dim", no_wrap=True)
    for title, style in (("Before the kill", ""), ("After the restart", "bold"), ("In between", "dim")):
        made.add_column(title, style=style, ratio=1)
    for question in asking:
        mark = "[green]✓[/]" if question.is_right() else "[red]✗[/]"
        made.add_row(mark, f"/{' '.join(question.command)}", *question.answers, question.between)
        made.add_section()
    return made


def verdict(asking: list[Question], counts: dict[str, str]) -> bool:
    """Print the result, and return whether the promise was kept."""
    step("What the bot answered")
    out.print(table(asking))
    for name, value in counts.items():
        say(f"{name:55}[bold]{value}[/]")
    wrong = [question for question in asking if not question.is_right()]
    for question in wrong:
        say(f"[red]/{' '.join(question.command)} must be answered {question.before!r}, then {question.after!r}.[/]")
    kept = not wrong and counts["REST calls to look something up"] == "0"
    text = "Killed, and nothing forgotten." if kept else "The promise is broken."
    out.print(rich.panel.Panel(text, border_style="green" if kept else "red", expand=False, padding=(0, 2)))
    say("[dim]The same bot on your own Discord: DISCORD_TOKEN=... make demo[/]")
    return kept


async def tell() -> bool:
    """Run the whole demo, and return whether the promise was kept."""
    out.print("[bold]persist[/]: kill a Discord bot, and see what it still knows.")
    async with Stage.built() as stage:
        say(
            f"[dim]Here runs a fake Discord with {len(GUILDS)} guilds; in another process, an unmodified hikari bot.[/]"
        )
        asking = questions(stage.members)
        await first_life(stage, asking)
        await nobody_runs(stage)
        return verdict(asking, await second_life(stage, asking))


def main() -> int:
    """Run the demo, or only the bot if there is a token."""
    if "DISCORD_TOKEN" in os.environ:
        out.print(
            "The bot runs on Discord; switch its intents for members and message content on in the developer portal."
        )
        out.print("Ask /find, /members, /roles and /who; kill it; run this again; ask the same.")
        runpy.run_path(str(pathlib.Path(__file__).with_name("demo_bot.py")), run_name="__main__")
        return 0
    try:
        return 0 if asyncio.run(tell()) else 1
    except (BotError, TimeoutError) as error:
        out.print("[red]The demo did not get to its end:[/]")
        out.print(str(error), markup=False)
        return 1


if __name__ == "__main__":
    sys.exit(main())
