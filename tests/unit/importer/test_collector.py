"""The garbage collector is as it was once no import runs, however imports overlap."""

from __future__ import annotations

import gc
from contextlib import ExitStack

from mls_tui.importer.collector import COLLECT_AFTER, beside_an_import


def test_imports_that_overlap_leave_the_collector_as_it_was() -> None:
    usual = gc.get_threshold()
    first, second = ExitStack(), ExitStack()
    first.enter_context(beside_an_import())
    second.enter_context(beside_an_import())
    first.close()
    assert gc.get_threshold()[0] == COLLECT_AFTER
    second.close()
    assert gc.get_threshold() == usual
