"""The table of deliberate faults does not rot: what it would break is there, and so are the tests that would notice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import mls_tui
from tests.promises.breaks import BREAKS, Break
from tests.promises.promises import PROMISES

SOURCE = Path(mls_tui.__file__).parent


@pytest.mark.parametrize("each", BREAKS, ids=lambda each: f"{each.promise} {each.what}")
def test_what_is_to_be_broken_stands_in_the_source_once_and_a_promise_names_the_tests(each: Break) -> None:
    assert (SOURCE / each.file).read_text(encoding="utf-8").count(each.old) == 1
    assert each.new != each.old
    (named,) = (tests for promise, tests in PROMISES.items() if each.promise in (promise, _number(promise)))
    assert set(each.tests) <= set(named)


def _number(promise: str) -> int | None:
    return int(promise.split()[0]) if promise[0].isdigit() else None


def test_every_promise_is_broken_at_least_once_and_no_break_stands_twice() -> None:
    assert {each.promise for each in BREAKS} == {_number(promise) or promise for promise in PROMISES}
    assert not [
        found for found, count in Counter((each.file, each.old, each.new) for each in BREAKS).items() if count > 1
    ]
