"""Faults in the import: where the cursor stands, what is asked for again, what is stored and what is removed."""

from __future__ import annotations

from tests.promises.breaks.breaks import Break

_CRASHES = "e2e/test_import_crashes.py"
_POINTS = "e2e/test_crash_points.py"
_AGAIN = "e2e/test_import_again.py"
_DOUBT = "e2e/test_doubtful_sweeps.py"
_FAILURES = "e2e/test_import_failures.py"
_KILL = "promises/test_kill.py"

IMPORTING: tuple[Break, ...] = (
    Break(
        2,
        "a record is settled before it is stored",
        "importer/sweep.py",
        "                await self._handlers.handle(job)\n            self._settle(job)\n"
        "            await self._advance()\n",
        "                self._settle(job)\n                await self._advance()\n"
        "                await self._handlers.handle(job)\n",
        (
            f"{_CRASHES}::test_a_first_import_killed_anywhere_is_completed_by_the_next",
            f"{_CRASHES}::test_an_update_killed_anywhere_is_completed_by_the_next",
            f"{_CRASHES}::test_the_same_holds_on_aws",
        ),
    ),
    Break(
        2,
        "the cursor passes a page that is not done",
        "importer/cursor.py",
        "            if page.outstanding:\n                break\n",
        "            if page.outstanding:\n                continue\n",
        (
            "unit/test_importer_cursor.py::test_everything_at_or_before_the_cursor_of_an_ordered_feed_is_settled",
            "unit/test_importer_cursor.py::test_a_page_moves_the_cursor_only_when_all_before_it_are_settled",
        ),
    ),
    Break(
        2,
        "a listing's photos go before its row",
        "importer/erase.py",
        "    listing = await store.delete(user_id, listing_id)\n",
        "    async for keys in photos.keys(listing_prefix(user_id, listing_id)):\n"
        "        await photos.delete(keys, undoable=undoable)\n"
        "    listing = await store.delete(user_id, listing_id)\n",
        ("e2e/test_crash_points.py::test_a_deletion_killed_anywhere_leaves_no_row_without_its_photos",),
    ),
    Break(
        2,
        "a selective import leaves what a killed run put",
        "importer/course.py",
        '            await self._save_cursor(self._cursor.model_copy(update={"epoch": before}))\n',
        '            await self._save_cursor(self._cursor.model_copy(update={"epoch": 0}))\n',
        ("e2e/test_crash_points.py::test_a_selective_import_between_a_kill_and_its_rerun_leaves_nothing_behind",),
    ),
    Break(
        2,
        "what is quarantined is told at the end only",
        "importer/course.py",
        "        await context.journal.save_problems()\n",
        "",
        (f"{_CRASHES}::test_no_cursor_passes_a_quarantined_record_before_it_is_told_of",),
    ),
    Break(
        2,
        "what a run cut short left without a row stays",
        "importer/course.py",
        "        if self._cut_short:\n",
        "        if self._cut_short is None:\n",
        (
            f"{_POINTS}::test_what_a_killed_selective_import_put_is_swept_by_the_next_whole_one",
            f"{_CRASHES}::test_an_update_killed_anywhere_is_completed_by_the_next",
        ),
    ),
    Break(
        2,
        "photos of an import beside it are swept",
        "importer/tidy.py",
        "not in at_work and await",
        "and await",
        (f"{_POINTS}::test_photos_that_another_import_is_about_to_give_a_row_are_left_alone",),
    ),
    Break(
        3,
        "a first import begins anew",
        "importer/scope.py",
        "    if resumes(options, cursor) and cursor.watermark is not None and cursor.last_key is not None:\n",
        "    if False:\n",
        (f"{_CRASHES}::test_a_resume_asks_for_what_was_left_and_in_flight_only",),
    ),
    Break(
        3,
        "stored photos are asked for again",
        "importer/plan.py",
        "        if same:\n            old = same.pop(0)",
        "        if same and not same:\n            old = same.pop(0)",
        (
            "unit/test_importer_plan.py::test_a_plan_keeps_or_wants_every_photo_and_overwrites_none",
            f"{_AGAIN}::test_a_changed_price_is_an_update_with_its_history",
        ),
    ),
    Break(
        3,
        "stored listings are imported again",
        "importer/plan.py",
        "    if with_photos and photos is not None and media != media_hash(photos):\n        return Step.CHANGED\n",
        "    return Step.CHANGED\n",
        (
            "unit/test_importer_plan.py::test_the_same_facts_and_photos_are_unchanged_and_an_older_record_changes_nothing",
        ),
    ),
    Break(
        6,
        "a photo that could not be had is not tried again",
        "importer/course.py",
        "            owed |= self._with_missing_photos()\n",
        "            pass\n",
        (f"{_FAILURES}::test_a_photo_that_cannot_be_had_keeps_its_url_and_is_had_by_the_next_import",),
    ),
    Break(
        6,
        "damaged photos are found and not mended",
        "importer/audit.py",
        "            if bad and repair:\n",
        "            if bad and repair is None:\n",
        ("e2e/test_import_audit.py::test_damage_and_orphans_are_found_repaired_and_fetched_again",),
    ),
    Break(
        6,
        "a body shorter than its Content-Length is taken",
        "mls/exchange.py",
        "    if promised is not None and size != promised:\n",
        "    if False:\n",
        ("unit/test_mls_photos.py::test_failed_attempt_is_a_sentence_that_says_what_may_help",),
    ),
    Break(
        6,
        "whatever is served for a photo is taken for one",
        "mls/photos.py",
        "        kind = sniff(body)\n",
        '        kind = sniff(body) or ("image/jpeg", "jpg")\n',
        ("unit/test_mls_photos.py::test_failed_attempt_is_a_sentence_that_says_what_may_help",),
    ),
    Break(
        12,
        "however many are missing, all of them go",
        "importer/gone.py",
        "    elif len(absent) > MOST_GONE * mine:\n",
        "    elif not mine:\n",
        (f"{_AGAIN}::test_many_vanished_at_once_are_the_feeds_mistake",),
    ),
    Break(
        12,
        "a sweep that was not complete removes",
        "importer/gone.py",
        "    if not sweep.complete:\n",
        "    if not sweep.number:\n",
        (f"{_DOUBT}::test_nothing_goes_after_a_sweep_that_the_count_contradicts",),
    ),
    Break(
        12,
        "a missing key is not looked at again",
        "importer/gone.py",
        "        return await context.connector.listing(entry.mls_id) is None\n",
        "        return True\n",
        (f"{_DOUBT}::test_a_listing_that_only_its_own_key_still_finds_stays",),
    ),
    Break(
        12,
        "what left the feed is deleted",
        "importer/gone.py",
        "    result = await context.store.put(context.user_id, marked)\n",
        "    await context.store.delete(context.user_id, entry.listing_id)\n"
        "    result = await context.store.put(context.user_id, marked)\n"
        "    await context.store.delete(context.user_id, entry.listing_id)\n",
        (f"{_AGAIN}::test_one_vanished_listing_of_many_is_kept_and_marked_by_a_full_import_only",),
    ),
    Break(
        12,
        "an import of changes removes what it did not see",
        "importer/course.py",
        "        if not incremental and query.resume_after is None:\n",
        "        if query.resume_after is None:\n",
        (f"{_AGAIN}::test_one_vanished_listing_of_many_is_kept_and_marked_by_a_full_import_only",),
    ),
)
