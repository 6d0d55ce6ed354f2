"""What a message of the workers' queue holds, and what is taken for one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mls_tui.workers.queue import LONGEST_BODY, Job, decode, encode

JOB = Job("ann@example.test", "c0ffee", "ab12cd34ef56")


@pytest.mark.promise("secrets nowhere else")
def test_a_message_holds_three_ids_and_nothing_else() -> None:
    assert json.loads(encode(JOB)) == {"v": 1, "user": JOB.user, "connection": JOB.connection, "run": JOB.run}
    assert decode(encode(JOB)) == JOB


@pytest.mark.fuzz("queue messages")
@given(st.text(max_size=LONGEST_BODY + 10))
def test_any_text_is_a_job_or_none(text: str) -> None:
    assert decode(text) is None or encode(decode(text) or JOB)


VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.lists(st.text()))


@pytest.mark.fuzz("queue messages")
@given(st.dictionaries(st.sampled_from(["v", "user", "connection", "run", "more"]), VALUES))
def test_a_message_with_other_types_or_ids_is_none(fields: dict[str, Any]) -> None:
    job = decode(json.dumps(fields))
    if job is not None:
        assert set(fields) == {"v", "user", "connection", "run"}
        assert all(each and "#" not in each and "/" not in each for each in (job.user, job.connection, job.run))


@pytest.mark.parametrize("body", ["[" * 100_000, "x" * (LONGEST_BODY + 1), "null", "[]", '"x"', "1e999", ""])
def test_a_body_that_is_no_object_or_too_long_is_none(body: str) -> None:
    assert decode(body) is None
