"""The contract detects mistakes: each store here breaks one guarantee, and the test named after it fails."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import typing
from collections.abc import Callable, Sequence

import dict_store
import pytest

from persist.changes import Amend, Archive, Change, Drop, DropScope, Keeps, Patch, Put
from persist.conditions import Condition, Conditional, Known, Not, Within
from persist.edits import Part
from persist.model import Key, Record
from persist.spi import Page, Select, Unmade
from persist.testing import StoreContract


class Changing(dict_store.DictStore):
    """Makes different changes than requested."""

    def other(self, change: Change) -> Change | None:
        return change

    async def apply(self, changes: Sequence[Change]) -> None:
        await super().apply([other for change in changes if (other := self.other(change)) is not None])


class Storing(dict_store.DictStore):
    """Stores different records than requested."""

    def kept(self, new: Record, old: Record | None, /) -> Record:
        raise NotImplementedError

    def _set(self, records: dict[Key, Record], key: Key, new: Record | None) -> None:
        old = records.get(key)
        super()._set(records, key, new)
        if key in records:
            records[key] = self.kept(records[key], old)


class Answering(dict_store.DictStore):
    """Answers a different query, or gives a different answer."""

    def other(self, query: Select) -> Select:
        return query

    def answer(self, query: Select, page: Page, /) -> Page:
        del query
        return page

    async def select(self, query: Select) -> Page:
        return self.answer(query, await super().select(self.other(query)))


class Judging(dict_store.DictStore):
    """Evaluates conditions differently."""

    def judged(self, condition: Conditional, column: Callable[[str], typing.Any]) -> bool | None:
        raise NotImplementedError

    def _holds(self, place: dict_store.Place, condition: Conditional, column: Callable[[str], typing.Any]) -> bool:
        found = self.judged(condition, column)
        return super()._holds(place, condition, column) if found is None else found


# -------------------------------------------------------------------------------------------------------------- writing


class LosesOrder(dict_store.DictStore):
    async def apply(self, changes: Sequence[Change]) -> None:
        await super().apply(sorted(changes, key=lambda change: isinstance(change, Put)))


class FirstWins(dict_store.DictStore):
    async def apply(self, changes: Sequence[Change]) -> None:
        await super().apply(list(reversed(changes)))


class OneByOne(dict_store.DictStore):
    async def apply(self, changes: Sequence[Change]) -> None:
        for change in changes:
            await super().apply([change])


class ArchivesLast(dict_store.DictStore):
    async def apply(self, changes: Sequence[Change]) -> None:
        await super().apply(sorted(changes, key=lambda change: isinstance(change, Archive)))


class ScopesFirst(dict_store.DictStore):
    async def apply(self, changes: Sequence[Change]) -> None:
        await super().apply(sorted(changes, key=lambda change: not isinstance(change, (Amend, DropScope))))


class Limited(dict_store.DictStore):
    """Makes only the first thousand drops and patches, and rejects empty batches."""

    async def apply(self, changes: Sequence[Change]) -> None:
        assert changes
        kept = [[change for change in changes if isinstance(change, sort)][:1000] for sort in (Drop, Patch)]
        await super().apply([change for change in changes if isinstance(change, Put)] + kept[0] + kept[1])


class OpensOnce(dict_store.DictStore):
    _opened = 0

    async def open(self) -> None:
        self._opened += 1
        assert self._opened == 1
        await super().open()

    async def close(self) -> None:
        assert self._open
        await super().close()


class InHalves(dict_store.DictStore):
    async def apply(self, changes: Sequence[Change]) -> None:
        middle = len(changes) // 2
        await super().apply(changes[:middle])
        await super().apply(changes[middle:])


class ReadsEarly(dict_store.DictStore):
    async def apply(self, changes: Sequence[Change]) -> None:
        place, self._place = self._place, {entity: dict(records) for entity, records in self._place.items()}
        mine = self._place
        await super().apply(changes)
        await asyncio.sleep(0)
        for change in changes:
            place[change.entity] = mine[change.entity]
        self._place = place


class NeverOverwrites(Storing):
    def kept(self, new: Record, old: Record | None) -> Record:
        return old or new


class LosesNull(Storing):
    def kept(self, new: Record, _: Record | None) -> Record:
        return new._replace(payload={name: value for name, value in new.payload.items() if value is not None})


class LosesTheUnknown(Storing):
    def kept(self, new: Record, _: Record | None) -> Record:
        return new._replace(payload={name: value for name, value in new.payload.items() if name != "unknown"})


class LosesTheGuild(Storing):
    def kept(self, new: Record, _: Record | None) -> Record:
        return new if "guild_id" in new.entity.key else new._replace(guild_id=None)


class LosesNul(Storing):
    def kept(self, new: Record, _: Record | None) -> Record:
        texts = {n: v.replace("\0", "") if isinstance(v, str) else v for n, v in new.payload.items()}
        return new._replace(payload=texts)


class CutsLongTexts(Storing):
    def kept(self, new: Record, _: Record | None) -> Record:
        return new._replace(payload={n: v[:65535] if isinstance(v, str) else v for n, v in new.payload.items()})


class HasFloats(Storing):
    def kept(self, new: Record, _: Record | None) -> Record:
        return new._replace(payload={n: int(float(v)) if isinstance(v, int) else v for n, v in new.payload.items()})


class FirstSeenNow(Storing):
    def kept(self, new: Record, _: Record | None) -> Record:
        return new._replace(first_seen=new.origin.at)


class ForgetsTheHistoryOfElsewhere(Storing):
    def kept(self, new: Record, old: Record | None) -> Record:
        return new if old is not None else new._replace(first_seen=new.origin.at, revision=1)


class CountsNoRevisions(Storing):
    def kept(self, new: Record, _: Record | None) -> Record:
        return new._replace(revision=1)


class TouchesTheUnchanged(Storing):
    def kept(self, new: Record, old: Record | None) -> Record:
        return new if new is not old else new._replace(revision=new.revision + 1)


class RemembersTheDropped(Storing):
    _seen: typing.ClassVar[dict[Key, str | None]] = {}

    def kept(self, new: Record, _: Record | None) -> Record:
        return new._replace(first_seen=self._seen.setdefault(new.key, new.first_seen))


class LosesTheSource(Storing):
    def kept(self, new: Record, _: Record | None) -> Record:
        return new._replace(origin=new.origin._replace(source="gateway"))


class PatchesMake(Changing):
    def other(self, change: Change) -> Change:
        return change._replace(create=True) if isinstance(change, Patch) else change


class PatchesNeverMake(Changing):
    def other(self, change: Change) -> Change:
        return change._replace(create=False) if isinstance(change, Patch) else change


class PatchesSkipNull(Changing):
    def other(self, change: Change) -> Change:
        if not isinstance(change, Patch):
            return change
        edits = [
            Part({n: v for n, v in e.fields.items() if v is not None}) if isinstance(e, Part) else e
            for e in change.edits
        ]
        return change._replace(edits=tuple(edits))


class KeepsTheLastEdit(Changing):
    def other(self, change: Change) -> Change:
        return change._replace(edits=change.edits[-1:]) if isinstance(change, Patch) else change


class DropsInEveryGuild(Changing):
    def other(self, change: Change) -> Change:
        if not isinstance(change, Drop) or "user_id" not in change.entity.key:
            return change
        return DropScope(change.entity, None, (Condition("user_id", "equals", change.key[-1]),))


class IgnoresTheGuild(Changing):
    def other(self, change: Change) -> Change:
        return change._replace(guild_id=None) if isinstance(change, DropScope) else change


class DropsInGuildsOnly(Changing):
    def other(self, change: Change) -> Change | None:
        return None if isinstance(change, DropScope) and change.guild_id is None else change


class FoldsKeys(Changing):
    def other(self, change: Change) -> Change:
        if not isinstance(change, Put):
            return change
        key = tuple(part.lower().strip() if isinstance(part, str) else part for part in change.key)
        return Put(change.record._replace(key=key))


class IgnoresTheScope(Changing):
    def other(self, change: Change) -> Change:
        return change._replace(where=()) if isinstance(change, DropScope) else change


class EditsEverything(Changing):
    def other(self, change: Change) -> Change:
        return change._replace(where=()) if isinstance(change, Amend) else change


class EditsNothing(Changing):
    def other(self, change: Change) -> Change | None:
        return None if isinstance(change, Amend) else change


class DropsNoChildren(Changing):
    def other(self, change: Change) -> Change | None:
        nested = isinstance(change, DropScope) and any(isinstance(part, Within) for part in change.where)
        return None if nested else change


class ForgetsAtTheEnd(dict_store.DictStore):
    async def close(self) -> None:
        await super().close()
        self._place.clear()


class KeepsToItself(dict_store.DictStore):
    def __init__(self, place: dict_store.Place) -> None:
        super().__init__(dict(place))


# --------------------------------------------------------------------------------------------------------------- asking


class IgnoresCase(Judging):
    def judged(self, condition: Conditional, column: Callable[[str], typing.Any]) -> bool | None:
        match condition:
            case Condition(name, "equals", str(text)) if isinstance(found := column(name), str):
                return found.casefold() == text.casefold()
        return None


class PadsWithSpaces(Judging):
    def judged(self, condition: Conditional, column: Callable[[str], typing.Any]) -> bool | None:
        match condition:
            case Condition(name, "equals", str(text)) if isinstance(found := column(name), str):
                return found.rstrip(" ") == text.rstrip(" ")
        return None


class FindsPartsOfIds(Judging):
    def judged(self, condition: Conditional, column: Callable[[str], typing.Any]) -> bool | None:
        match condition:
            case Condition(name, "has_id", snowflake) if isinstance(found := column(name), str):
                return str(snowflake) in found
        return None


class FindsAnyBit(Judging):
    def judged(self, condition: Conditional, column: Callable[[str], typing.Any]) -> bool | None:
        match condition:
            case Condition(name, "has_bits", int(bits)) if isinstance(found := column(name), int):
                return bool(found & bits)
        return None


class HasThreeTruths(Judging):
    def judged(self, condition: Conditional, column: Callable[[str], typing.Any]) -> bool | None:
        match condition:
            case Not(Condition(name, test)) if test != "is_null" and column(name) is None:
                return False
        return None


class BelongsByOneColumn(Judging):
    def judged(self, condition: Conditional, _: Callable[[str], typing.Any]) -> bool | None:
        return False if isinstance(condition, Within) and len(condition.columns) > 1 else None


class BelongsByItsKey(Judging):
    def judged(self, condition: Conditional, column: Callable[[str], typing.Any]) -> bool | None:
        match condition:
            case Within(columns, owner, where, theirs) if theirs:
                return self._holds(self._place, Within(columns, owner, where), column)
        return None


class KnowsEverything(Judging):
    def judged(self, condition: Conditional, _: Callable[[str], typing.Any]) -> bool | None:
        return True if isinstance(condition, Known) else None


class BelongsToAny(Judging):
    def judged(self, condition: Conditional, column: Callable[[str], typing.Any]) -> bool | None:
        match condition:
            case Within(columns, owner, where) if where:
                return self._holds(self._place, Within(columns, owner, ()), column)
        return None


class KnowsGuildsOnly(Answering):
    def answer(self, query: Select, page: Page) -> Page:
        kept = [record for record in page.records if record.guild_id is not None or not query.entity.in_guild]
        return dataclasses.replace(page, records=kept)


class SortsWithoutPayloads(Answering):
    def other(self, query: Select) -> Select:
        return query._replace(want="keys") if query.order else query


class IgnoresTheGuildAskedFor(Answering):
    def other(self, query: Select) -> Select:
        return query._replace(guild_id=None)


class IgnoresTheKeysAskedFor(Answering):
    def other(self, query: Select) -> Select:
        return query if query.keys is None or len(query.keys) == 1 else query._replace(keys=None)


class CountsEverything(Answering):
    def other(self, query: Select) -> Select:
        return query._replace(where=()) if query.want == "count" else query


class SendsPayloadsWithKeys(Answering):
    def other(self, query: Select) -> Select:
        return query._replace(want="records") if query.want == "keys" else query


class SortsByKeyAlone(Answering):
    def other(self, query: Select) -> Select:
        return query._replace(order=())


class SortsOneWay(Answering):
    def other(self, query: Select) -> Select:
        down = bool(query.order) and query.order[0].descending
        return query._replace(order=tuple(order._replace(descending=down) for order in query.order))


class NeverEnds(Answering):
    def answer(self, query: Select, page: Page) -> Page:
        if query.limit is None or not page.records:
            return page
        return dataclasses.replace(page, after=tuple(page.records[-1].column(n) for n in query.entity.key))


class EndsEarly(Answering):
    def answer(self, _: Select, page: Page) -> Page:
        return dataclasses.replace(page, after=None)


class CountsPages(dict_store.DictStore):
    """Continues after a number of records instead of after a place."""

    async def select(self, query: Select) -> Page:
        start = int(query.after[0]) if query.after else 0
        page = await super().select(query._replace(after=None, limit=None))
        end = len(page.records) if query.limit is None else start + query.limit
        after = (end,) if end < len(page.records) else None
        return Page(page.records[start:end], after, page.count)


class AnswersWhenClosed(dict_store.DictStore):
    async def close(self) -> None:
        return


class MixesAnswersUp(dict_store.DictStore):
    _last: asyncio.Future[Page] | None = None

    async def select(self, query: Select) -> Page:
        if self._last is None:
            self._last = asyncio.ensure_future(super().select(query))
            page = await self._last
            self._last = None
            return page
        return await self._last


class BreaksRules(Changing):
    """Ignores the rules in changes."""

    def other(self, change: Change) -> Change | None:
        return change._replace(keeps=None) if isinstance(change, (Patch, Amend)) else change


class _Half:
    """Applies rules to half a record."""

    whole = False

    def __init__(self, keeps: Keeps) -> None:
        self._keeps = keeps

    def __call__(self, known: Record | None, made: Record) -> Record | None:
        own = {name: value for name, value in made.payload.items() if name not in made.entity.joins}
        return self._keeps(known, made._replace(payload=own))


class AsksWithHalf(Changing):
    """Applies rules to records without the parts under other kinds."""

    def other(self, change: Change) -> Change | None:
        if isinstance(change, (Patch, Amend)) and change.keeps is not None:
            return change._replace(keeps=_Half(change.keeps))
        return change


class ForgetsParts(Answering):
    """Claims that none of the parts of its results are stored."""

    def answer(self, query: Select, page: Page) -> Page:
        parts = {join.entity: dict[Key, Record]() for join in query.entity.joins.values()}
        return dataclasses.replace(page, parts=parts) if query.whole else page


class HandsOutHalves(Answering):
    """Leaves out the parts of the records that it makes lazily."""

    def answer(self, query: Select, page: Page, /) -> Page:
        return dataclasses.replace(page, records=(), wholes=Unmade(page.records, iter)) if query.lazily else page


BROKEN: typing.Final[Sequence[tuple[type[dict_store.DictStore], str]]] = (
    (LosesOrder, "changes_of_a_batch_are_made_in_order"),
    (FirstWins, "the_later_of_two_puts_in_one_batch_wins"),
    (LosesOrder, "random_batches_end_as_their_meaning_says"),
    (ScopesFirst, "a_scope_is_as_it_is_at_its_turn"),
    (ArchivesLast, "an_archive_remembers_what_things_are_at_its_turn"),
    (ScopesFirst, "an_edit_of_a_scope_and_a_patch_follow_each_other"),
    (Limited, "many_can_be_dropped_at_once"),
    (Limited, "many_patches_each_find_their_own"),
    (Limited, "an_empty_batch_is_fine"),
    (OpensOnce, "a_store_can_be_opened_again"),
    (OpensOnce, "closing_is_a_no_op_when_it_is_not_open"),
    (OneByOne, "half_a_character_is_kept_or_refused_and_spoils_nothing"),
    (OneByOne, "a_batch_that_fails_in_the_middle_leaves_no_trace"),
    (InHalves, "a_batch_that_is_cancelled_is_made_whole_or_not_at_all"),
    (InHalves, "readers_see_whole_batches_while_they_are_written"),
    (ReadsEarly, "two_stores_lose_none_of_their_changes"),
    (NeverOverwrites, "putting_again_overwrites"),
    (LosesNull, "what_was_put_is_there_exactly"),
    (LosesTheUnknown, "what_was_put_is_there_exactly"),
    (LosesTheGuild, "what_was_put_is_there_exactly"),
    (LosesNul, "a_text_is_what_it_was"),
    (CutsLongTexts, "a_payload_may_be_long"),
    (HasFloats, "keys_and_numbers_may_have_63_bits"),
    (FirstSeenNow, "a_new_version_keeps_when_it_was_first_seen"),
    (ForgetsTheHistoryOfElsewhere, "a_record_that_comes_from_another_store_keeps_its_history"),
    (CountsNoRevisions, "a_new_version_keeps_when_it_was_first_seen"),
    (LosesTheSource, "a_new_version_keeps_when_it_was_first_seen"),
    (TouchesTheUnchanged, "the_same_payload_again_leaves_everything_as_it_was"),
    (TouchesTheUnchanged, "an_edit_that_changes_nothing_is_none"),
    (RemembersTheDropped, "what_was_dropped_begins_anew"),
    (PatchesMake, "a_patch_of_what_is_not_there_is_a_no_op"),
    (PatchesNeverMake, "a_patch_may_make_what_is_not_there"),
    (PatchesSkipNull, "a_patch_tells_absent_null_and_empty_apart"),
    (KeepsTheLastEdit, "patches_of_one_key_add_up"),
    (DropsInEveryGuild, "dropping_forgets_that_key_and_no_other"),
    (IgnoresTheGuild, "dropping_a_guild_leaves_the_others"),
    (DropsInGuildsOnly, "dropping_a_kind_everywhere_leaves_the_other_kinds"),
    (FoldsKeys, "keys_that_look_alike_are_different"),
    (IgnoresTheScope, "what_belongs_to_a_guild_goes_with_it"),
    (IgnoresTheScope, "dropping_reaches_only_what_the_conditions_say"),
    (EditsEverything, "an_edit_of_a_scope_reaches_all_of_it_and_nothing_else"),
    (EditsNothing, "an_edit_of_a_scope_reaches_all_of_it_and_nothing_else"),
    (DropsNoChildren, "what_belongs_to_a_channel_goes_with_it_through_its_threads"),
    (BelongsByOneColumn, "belonging_by_two_columns"),
    (BelongsByItsKey, "what_nothing_names_can_be_forgotten"),
    (BreaksRules, "a_patch_keeps_what_rules_keep_of_the_whole"),
    (BreaksRules, "what_a_patch_makes_that_rules_refuse_is_forgotten"),
    (BreaksRules, "what_an_edit_of_a_scope_makes_that_rules_refuse_is_forgotten"),
    (AsksWithHalf, "rules_are_asked_with_what_is_stored_apart"),
    (BelongsByItsKey, "others_are_asked_for_what_they_say_of_it"),
    (KnowsEverything, "an_edit_of_a_scope_may_depend_on_what_else_is_remembered"),
    (KnowsEverything, "many_edits_that_count_do_what_they_would_one_by_one"),
    (BelongsToAny, "belonging_can_be_asked_in_every_place"),
    (BelongsToAny, "what_belongs_to_many_at_once_goes_with_them"),
    (ForgetsAtTheEnd, "what_was_stored_is_there_after_a_restart"),
    (KeepsToItself, "two_stores_see_what_the_other_one_wrote"),
    (IgnoresCase, "conditions_find_what_they_mean"),
    (PadsWithSpaces, "each_text_is_found_by_itself_alone"),
    (FindsPartsOfIds, "conditions_find_what_they_mean"),
    (FindsAnyBit, "conditions_find_what_they_mean"),
    (HasThreeTruths, "conditions_find_what_they_mean"),
    (KnowsGuildsOnly, "a_thing_outside_of_any_guild_is_there_too"),
    (SortsWithoutPayloads, "an_answer_is_whole_payloads_in_the_order_asked_for"),
    (IgnoresTheGuildAskedFor, "conditions_hold_together"),
    (IgnoresTheKeysAskedFor, "records_are_found_by_their_keys"),
    (CountsEverything, "conditions_find_what_they_mean"),
    (SendsPayloadsWithKeys, "keys_come_without_payloads_and_counts_without_records"),
    (SendsPayloadsWithKeys, "one_key_can_be_asked_for_alone"),
    (ForgetsParts, "parts_that_come_along_are_those_that_are_stored"),
    (HandsOutHalves, "what_is_made_lazily_is_whole"),
    (EndsEarly, "pages_of_a_guild"),
    (SortsByKeyAlone, "pages_in_any_order_make_the_whole"),
    (SortsByKeyAlone, "texts_are_in_the_order_of_their_characters"),
    (SortsByKeyAlone, "texts_as_long_as_discord_has_are_sorted_by_their_last_character"),
    (SortsByKeyAlone, "texts_that_differ_in_their_last_characters_stay_in_order_whatever_follows"),
    (SortsOneWay, "columns_may_go_in_different_directions"),
    (NeverEnds, "the_last_page_says_so"),
    (EndsEarly, "pages_in_any_order_make_the_whole"),
    (CountsPages, "pages_neither_repeat_nor_miss_while_records_come_and_go"),
    (AnswersWhenClosed, "a_store_that_is_not_open_says_so"),
    (MixesAnswersUp, "many_questions_at_once_each_get_their_own_answer"),
    (MixesAnswersUp, "giving_up_on_a_question_leaves_the_others_alone"),
)


class Held(StoreContract):
    """The contract, applied to one kind of store. Its name keeps pytest from collecting it."""

    def __init__(self, kind: type[dict_store.DictStore]) -> None:
        self._kind = kind
        self._place: dict_store.Place = {}

    def make_store(self) -> dict_store.DictStore:
        return self._kind(self._place)


@pytest.mark.parametrize(("kind", "promise"), BROKEN, ids=lambda value: getattr(value, "__name__", value))
async def test_a_broken_promise_is_noticed(kind: type[dict_store.DictStore], promise: str) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception, asyncio.CancelledError)):
        await getattr(Held(kind), f"test_{promise}")()


@pytest.mark.parametrize("promise", sorted({promise for _, promise in BROKEN}))
async def test_the_same_promise_is_kept_by_a_store_that_keeps_it(promise: str) -> None:
    await getattr(Held(dict_store.DictStore), f"test_{promise}")()


def test_every_promise_is_broken_by_a_store_here() -> None:
    promises = {name for name, _ in inspect.getmembers(StoreContract, inspect.isfunction) if name.startswith("test_")}
    assert promises == {f"test_{promise}" for _, promise in BROKEN}
