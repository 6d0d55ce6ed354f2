"""Promises about messages: a task comes back as it went, ids only, and what is foreign is refused in a sentence."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mls_tui.distributed.messages import ForeignMessageError, Task, TaskKind, decode, encode

IDS = st.text(min_size=1, max_size=40)
CURSORS = st.none() | st.tuples(st.text(max_size=30), st.text(max_size=30))


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    kind = draw(st.sampled_from(TaskKind))
    key = draw(IDS) if kind is TaskKind.LISTING else ""
    steps = st.integers(0, 10**9)
    return Task(kind, draw(IDS), draw(IDS), draw(IDS), key, draw(st.text(max_size=30)), draw(CURSORS), draw(steps))


def a_task(**parts: Any) -> Task:
    return Task(
        **({"kind": TaskKind.LISTING, "user": "ann", "run": "r1", "connection": "c1", "listing_key": "K"} | parts)
    )


@given(tasks())
def test_a_task_comes_back_as_it_went(task: Task) -> None:
    assert decode(encode(task)) == task


@given(tasks())
def test_every_body_and_group_may_stand_in_an_sqs_message(task: Task) -> None:
    body = encode(task)
    assert body.isascii()
    assert body.isprintable()
    assert re.fullmatch(r"[!-~]{1,128}", task.group)


@given(tasks(), tasks())
def test_two_tasks_of_a_run_share_their_id_only_where_they_are_the_same_work(one: Task, two: Task) -> None:
    same = {
        TaskKind.PAGE: one.step == two.step,
        TaskKind.LISTING: (one.step, one.listing_key, one.version) == (two.step, two.listing_key, two.version),
        TaskKind.CLOSE: True,
    }[one.kind]
    if one.kind is not two.kind or not same:
        # "@" may stand in a key: then the text alone may be that of another version.
        assert one.id != two.id or "@" in one.listing_key + two.listing_key + one.version + two.version
    else:
        assert one.id == two.id


def test_the_group_is_the_user_and_the_mls() -> None:
    assert a_task(user="ann", connection="c1").group == "ann#c1"
    assert a_task(user="ann", run="r2", listing_key="other").group == "ann#c1"
    assert a_task(user="us-west-2:" + "x" * 118, connection="c1").group != a_task(connection="c1").group
    assert len(a_task(user="x" * 128).group) == 64


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": None},
        {"kind": "photo"},
        {"user": ""},
        {"user": 7},
        {"run": None},
        {"step": -1},
        {"step": True},
        {"step": 1.5},
        {"cursor": ["only one"]},
        {"cursor": "ab"},
        {"cursor": [1, 2]},
        {"key": ""},
        {"kind": "page"},
        {"token": "canary"},
    ],
)
def test_a_foreign_body_is_refused_in_a_sentence_that_repeats_none_of_it(change: dict[str, Any]) -> None:
    body = json.loads(encode(a_task())) | change
    with pytest.raises(ForeignMessageError, match=r"message of the queue is not .*worker") as caught:
        decode(json.dumps(body))
    assert not caught.value.fatal
    assert "canary" not in str(caught.value)


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x)).map(json.dumps))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(ForeignMessageError):
        decode(text)


def test_a_body_nested_a_million_deep_is_refused() -> None:
    with pytest.raises(ForeignMessageError):
        decode("[" * 1_000_000)
