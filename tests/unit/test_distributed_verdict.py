"""What becomes of a message that cannot be done now."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mls_tui.distributed.closing import next_look
from mls_tui.distributed.verdict import Fate, resting
from mls_tui.domain.clock import epoch_ms
from mls_tui.domain.run import ImportRun, RunState
from tests.clocks import START


@pytest.mark.parametrize(("quiet", "seconds"), [(0, 15), (10, 15), (40, 40), (59, 59), (3_600, 60), (-5, 15)])
def test_a_paused_task_rests_as_long_as_its_run_has_within_bounds(quiet: int, seconds: int) -> None:
    run = ImportRun(
        run_id="r",
        user_id="u",
        connection_id="c",
        connection_name="Lake",
        provider="reso",
        state=RunState.RUNNING,
        started_at=0,
        updated_at=epoch_ms(START),
    )
    verdict = resting(run, START + timedelta(seconds=quiet))
    assert (verdict.fate, verdict.seconds) == (Fate.LATER, seconds)


@pytest.mark.parametrize(("pending", "seconds"), [(0, 2), (150, 2), (900, 9), (100_000, 60)])
def test_the_end_of_a_run_is_looked_for_when_it_may_have_come(pending: int, seconds: int) -> None:
    assert next_look(pending) == seconds
