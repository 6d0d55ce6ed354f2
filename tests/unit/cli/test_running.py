"""How commands start, stop and end: signals, the last words of the log, the summary of an import."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from mls_tui.cli import running, workers
from mls_tui.cli.progress import print_end
from mls_tui.cli.running import leave
from mls_tui.config import load_settings
from mls_tui.domain.run import ImportResult, RunState
from mls_tui.importer.options import ImportControl
from mls_tui.log import setup_logging


@pytest.mark.promise(9)
async def test_the_first_signal_asks_the_import_to_stop_and_the_second_ends_the_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended: list[str] = []
    monkeypatch.setattr(running, "end_at_once", lambda: ended.append("at once"))
    before = signal.getsignal(signal.SIGTERM)
    control = ImportControl()
    with running.Stop() as stop, stop.importing(control):
        os.kill(os.getpid(), signal.SIGTERM)
        await _turns()
        assert (control.cancelled, control.interrupted, ended) == (True, True, [])
        assert "Press Ctrl-C again to stop at once" in capsys.readouterr().err
        os.kill(os.getpid(), signal.SIGINT)
        await _turns()
        assert ended == ["at once"]
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.promise(9)
async def test_an_import_that_cannot_be_stopped_is_ended_within_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert running.PATIENCE_SECONDS < 2
    ended = threading.Event()
    monkeypatch.setattr(running, "end_at_once", ended.set)
    monkeypatch.setattr(running, "PATIENCE_SECONDS", 0)
    with running.Stop() as stop, stop.importing(ImportControl()):
        os.kill(os.getpid(), signal.SIGTERM)
        assert await asyncio.to_thread(ended.wait, 20)


async def _turns() -> None:
    """Enough for the loop to hear of a signal that the process has."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_the_first_signal_stops_a_worker_and_the_second_ends_it_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended: list[str] = []
    monkeypatch.setattr(workers, "end_at_once", lambda: ended.append("at once"))
    monkeypatch.setattr(workers, "PATIENCE_SECONDS", 3600)
    stop = asyncio.Event()
    workers.stop_on_signal(stop)
    os.kill(os.getpid(), signal.SIGTERM)
    await _turns()
    assert (stop.is_set(), ended) == (True, [])
    assert "Press Ctrl-C again to stop at once" in capsys.readouterr().err
    os.kill(os.getpid(), signal.SIGTERM)
    await _turns()
    assert ended == ["at once"]


class RefusingClient:
    def __getattr__(self, name: str) -> Any:
        raise PermissionError(name)


def test_log_is_written_and_tells_what_did_not_reach_cloudwatch(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    settings = load_settings({"MLS_TUI_HOME": str(home), "MLS_TUI_LOG_GROUP": "/mls-tui/test"})
    log = setup_logging(settings, client=RefusingClient())
    logging.getLogger("mls_tui").error("the last word")
    leave(3, log)
    text = settings.log_path.read_text()
    assert codes == [3]
    assert "the last word" in text
    assert "1 line of the log did not reach CloudWatch Logs: PermissionError." in text


def _result(state: RunState, error: str | None = None) -> ImportResult:
    return ImportResult(state=state, error=error, exit_code=0, started_at=0, finished_at=1)


def test_a_failure_is_told_on_stderr_alone(capsys: pytest.CaptureFixture[str]) -> None:
    print_end(_result(RunState.FAILED, "The MLS is away.\x1b[2J"), quiet=True)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "Error: The MLS is away.[2J\n")


@pytest.mark.parametrize(("quiet", "err", "told"), [(False, False, "out"), (False, True, "err"), (True, False, "")])
def test_a_summary_goes_where_it_is_wanted(
    capsys: pytest.CaptureFixture[str], quiet: bool, err: bool, told: str
) -> None:
    print_end(_result(RunState.DONE), quiet=quiet, err=err)
    said = capsys.readouterr()
    assert {name for name in ("out", "err") if "0 created" in getattr(said, name)} == {told} - {""}
