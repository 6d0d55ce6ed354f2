"""A distributed run as numbers, from its row alone: what screens and progress bars show, wherever they run."""

from __future__ import annotations

from datetime import UTC, datetime

from mls_tui.domain.errors import AuthenticationError, StorageError
from mls_tui.domain.run import ImportResult, ImportRun, RunState
from mls_tui.importer.tally import Tally

MOST_RATES = 60


def tally_of(run: ImportRun, now: datetime, before: Tally | None = None) -> Tally:
    """The run as it stands. ``before`` is what the last look gave, a second or so ago: the rate is what came since."""
    return Tally(
        run=run.run_id,
        connection=run.connection_name,
        provider=run.provider,
        started_at=datetime.fromtimestamp(run.started_at / 1000, UTC),
        now=now,
        expected=run.expected,
        paused=run.paused,
        waiting=run.pending,
        counts=run.counts,
        rates=() if before is None else (*before.rates, _rate(run, now, before))[-MOST_RATES:],
        result=None if run.state is RunState.RUNNING else result_of(run),
    )


def _rate(run: ImportRun, now: datetime, before: Tally) -> float:
    seconds = (now - before.now).total_seconds() if before.now is not None else 0.0
    return max(0.0, (run.counts.total - before.counts.total) / seconds) if seconds > 0 else 0.0


def result_of(run: ImportRun) -> ImportResult:
    """How an ended run ended, in the shape of any import's."""
    failed = 1 if run.counts.failed else 0
    stopped = AuthenticationError.exit_code if run.refused else StorageError.exit_code
    codes = {RunState.DONE: failed, RunState.CANCELLED: 130, RunState.INTERRUPTED: 130}
    return ImportResult(
        state=run.state,
        counts=run.counts,
        errors=run.errors,
        warnings=run.warnings,
        error=run.error,
        exit_code=codes.get(run.state, stopped),
        started_at=run.started_at,
        finished_at=run.finished_at or run.updated_at,
    )
