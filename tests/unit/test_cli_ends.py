"""How the end of an import is told: what it brought is data, why it failed is not."""

from __future__ import annotations

import pytest

from mls_tui.cli.progress import tell_end
from mls_tui.domain.run import ImportResult, RunState


def _result(state: RunState, error: str | None = None) -> ImportResult:
    return ImportResult(state=state, error=error, exit_code=0, started_at=0, finished_at=1)


def test_a_failure_is_told_on_stderr_alone(capsys: pytest.CaptureFixture[str]) -> None:
    tell_end(_result(RunState.FAILED, "The MLS is away.\x1b[2J"), quiet=True)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "Error: The MLS is away.[2J\n")


@pytest.mark.parametrize(("quiet", "err", "told"), [(False, False, "out"), (False, True, "err"), (True, False, "")])
def test_a_summary_goes_where_it_is_wanted(
    capsys: pytest.CaptureFixture[str], quiet: bool, err: bool, told: str
) -> None:
    tell_end(_result(RunState.DONE), quiet=quiet, err=err)
    said = capsys.readouterr()
    assert {name for name in ("out", "err") if "0 created" in getattr(said, name)} == {told} - {""}
