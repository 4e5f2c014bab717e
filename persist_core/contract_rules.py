"""The part of the contract for rules: a store applies them to what it only knows when it makes a change."""

from __future__ import annotations

import typing
from collections.abc import Callable

from .changes import Amend, Drop, Patch, Put
from .conditions import Condition
from .contract_base import Contract, keys, one, there
from .contract_samples import member, message, origin, user, voice_state
from .edits import Part, Without
from .entities import MEMBERS, MESSAGES, USERS, VOICE_STATES
from .model import Payload, Record

__all__ = ("Rulings",)


class _Keeps:
    """Keeps records that meet a condition, without some fields, and notes what it was called with."""

    def __init__(self, is_kept: Callable[[Payload], bool], *drop: str, whole: bool = False) -> None:
        self._is_kept = is_kept
        self._drop = drop
        self.whole = whole
        self.seen: list[Payload] = []

    def __call__(self, known: Record | None, made: Record) -> Record | None:
        del known
        self.seen.append(made.payload)
        if not self._is_kept(made.payload):
            return None
        return made._replace(payload={name: value for name, value in made.payload.items() if name not in self._drop})


_LOUD: typing.Final = _Keeps(lambda payload: "!" in payload.get("content", ""), "nonce")


class Rulings(Contract):
    """Changes with rules."""

    async def test_a_patch_keeps_what_rules_keep_of_the_whole(self) -> None:
        before = message(1, 2, 3, content="hi!", nonce="5")
        async with self.opened(before) as store:
            await store.apply([Patch(MESSAGES, (1,), 3, (Part({"pinned": True}),), origin(1), keeps=_LOUD)])
            stored = await there(store, before)
            assert stored.payload == {**message(1, 2, 3, content="hi!").payload, "pinned": True}
            assert stored.column("is_pinned") is True

    async def test_what_a_patch_makes_that_rules_refuse_is_forgotten(self) -> None:
        async with self.opened(message(1, 2, content="a!"), message(2, 2, content="b!"), message(3, 2)) as store:
            quiet, loud = (Part({"content": "a"}),), (Part({"content": "a!"}),)
            await store.apply([Patch(MESSAGES, (1,), None, quiet, origin(1), keeps=_LOUD)])
            assert sorted(await keys(store, MESSAGES)) == [(2,), (3,)]
            created = Patch(MESSAGES, (4,), None, quiet, origin(1), create=True, keeps=_LOUD)
            again = Patch(MESSAGES, (2,), None, loud, origin(2), keeps=_LOUD)
            await store.apply([Patch(MESSAGES, (2,), None, quiet, origin(1), keeps=_LOUD), again, created])
            assert sorted(await keys(store, MESSAGES)) == [(3,)]
            await store.apply([created._replace(edits=loud)])
            assert sorted(await keys(store, MESSAGES)) == [(3,), (4,)]

    async def test_what_an_edit_of_a_scope_makes_that_rules_refuse_is_forgotten(self) -> None:
        keeps = _Keeps(lambda payload: "9" in payload["roles"], "nick")
        people = [member(1, 1, roles=["8", "9"], nick="a"), member(1, 2, roles=["8"]), member(1, 3, roles=["7"])]
        where = (Condition("role_ids", "has_id", 8),)
        async with self.opened(*people) as store:
            await store.apply([Amend(MEMBERS, 1, where, (Without("roles", "8"),), origin(1), keeps)])
            assert sorted(await keys(store, MEMBERS)) == [(1, 1), (1, 3)]
            stored = await there(store, people[0])
            assert stored.payload["roles"] == ["9"]
            assert "nick" not in stored.payload

    async def test_rules_are_asked_with_what_is_stored_apart(self) -> None:
        edit = (Part({"nick": "a"}),)
        async with self.opened(user(1, username="ann"), user(2, username="bob"), member(1, 1), member(1, 2)) as store:
            keeps = _Keeps(lambda payload: payload.get("user", {}).get("username") == "ann", whole=True)
            patches = [
                Patch(MEMBERS, (1, number), 1, edit, origin(1), create=True, keeps=keeps) for number in (1, 2, 3)
            ]
            await store.apply([Put(user(3, username="bob")), *patches])
            assert sorted(await keys(store, MEMBERS)) == [(1, 1)]
            assert "user" not in (await there(store, member(1, 1))).payload
            await store.apply(
                [Put(user(1, username="bob")), Amend(MEMBERS, 1, (), (Part({"nick": "b"}),), origin(2), keeps)]
            )
            assert sorted(await keys(store, MEMBERS)) == []
        async with self.opened(user(1, username="ann"), member(1, 1, nick="a"), voice_state(1, 1, 5)) as store:
            keeps = _Keeps(lambda payload: bool(payload.get("member", {}).get("user")), whole=True)
            await store.apply([Patch(VOICE_STATES, (1, 1), 1, (Part({"deaf": True}),), origin(1), keeps=keeps)])
            assert keeps.seen[-1]["member"]["nick"] == "a"
            assert await one(store, voice_state(1, 1, 5)) is not None
            await store.apply([Drop(USERS, (1,))])
