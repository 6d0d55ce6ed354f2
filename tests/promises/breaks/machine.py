"""Faults in how the program meets its machine: signals, a full disk, a wrong clock, AWS's refusals, its memory."""

from __future__ import annotations

from tests.promises.breaks.breaks import Break

_SIGNALS = "e2e/cli/test_cli_signals.py"

MACHINE: tuple[Break, ...] = (
    Break(
        9,
        "a signal ends the process without saving",
        "cli/stopping.py",
        "            self._control.cancel(interrupted=True)\n        elif",
        "            end_at_once()\n        elif",
        (f"{_SIGNALS}::test_a_signal_ends_an_import_with_130_and_a_rerun_completes_it",),
    ),
    Break(
        9,
        "a signal is not listened to",
        "cli/stopping.py",
        "                listen(loop, number, self._stop)\n",
        "",
        (f"{_SIGNALS}::test_a_signal_ends_an_import_with_130_and_a_rerun_completes_it",),
    ),
    Break(
        9,
        "a second signal waits like the first",
        "cli/stopping.py",
        "        if self._asked > 1:\n",
        "        if self._asked > 2:\n",
        ("unit/test_cli_stopping.py::test_the_first_signal_asks_the_import_to_stop_and_the_second_ends_the_process",),
    ),
    Break(
        9,
        "an import that cannot be stopped keeps its process alive",
        "cli/stopping.py",
        "        backstop.start()\n",
        "",
        ("unit/test_cli_stopping.py::test_an_import_that_cannot_be_stopped_is_ended_within_two_seconds",),
    ),
    Break(
        9,
        "the end of a run that was stopped is not saved",
        "importer/engine.py",
        "            await self._save_end(result)\n        return result",
        "            pass\n        return result",
        (
            f"{_SIGNALS}::test_a_signal_ends_an_import_with_130_and_a_rerun_completes_it",
            "e2e/test_import_ends.py::test_a_cancelled_import_leaves_a_consistent_store_and_is_completed_by_the_next",
        ),
    ),
    Break(
        9,
        "quitting the interface lets the import go on",
        "worker.py",
        "        self.control.cancel(interrupted=True)\n",
        "",
        ("ui/test_progress_screen.py::test_quitting_in_the_middle_stops_the_importer",),
    ),
    Break(
        14,
        "SQLite's full disk is no sentence",
        "storage/sqlite/errors.py",
        '    sqlite3.SQLITE_FULL: ("the disk is full", "Free some space and try again; what was stored is intact."),\n',
        "",
        ("contract/test_sqlite_file.py::test_full_disk_is_a_sentence_and_loses_nothing_acknowledged",),
    ),
    Break(
        14,
        "one write's failure takes its neighbours along",
        "storage/sqlite/database.py",
        '            connection.execute("ROLLBACK TO job")\n',
        "            raise\n",
        ("contract/test_sqlite_file.py::test_one_bad_write_does_not_fail_its_neighbours",),
    ),
    Break(
        14,
        "the photo folder's full disk is no sentence",
        "storage/folder_files.py",
        '    errno.ENOSPC: "the disk is full. Free some space and try again; what was stored is intact.",\n',
        "",
        ("contract/test_photo_folder.py::test_failed_save_is_a_sentence_and_leaves_the_old_photo_and_nothing_else",),
    ),
    Break(
        14,
        "a missing table is told in AWS's words",
        "storage/aws_errors.py",
        'if code in ("ResourceNotFoundException", "NoSuchBucket", "TableNotFoundException"):',
        "if False:",
        ("promises/test_bad_machine.py::test_a_missing_table_is_a_sentence_that_says_what_to_run",),
    ),
    Break(
        14,
        "expired credentials are told in AWS's words",
        "storage/aws_errors.py",
        "    if code in _EXPIRED:\n",
        "    if False:\n",
        ("unit/test_storage_dynamodb.py::test_refusals_are_sentences",),
    ),
    Break(
        14,
        "a record from the future hides what changes until then",
        "importer/cursor.py",
        "        if moment is None or moment.timestamp() <= self.started:\n",
        "        if moment is None or moment.timestamp():\n",
        ("unit/test_importer_cursor.py::test_a_record_from_the_future_never_hides_what_changes_until_then",),
    ),
    Break(
        16,
        "every page is kept to the end",
        "importer/sweep.py",
        "        self.context.emit(PageFetched, number=page.number, records=len(page.records), total=page.total)\n",
        "        self.context.emit(PageFetched, number=page.number, records=len(page.records), total=page.total)\n"
        '        self.context.journal.__dict__.setdefault("pages", []).append(page)\n',
        ("promises/test_memory.py::test_ten_times_the_listings_take_hardly_more_memory",),
    ),
    Break(
        16,
        "every event is kept to the end",
        "importer/journal.py",
        "        self._queue.append(event)\n",
        '        self._queue.append(event)\n        self.__dict__.setdefault("all", []).append(event)\n',
        ("promises/test_memory.py::test_ten_times_the_listings_take_hardly_more_memory",),
    ),
)
