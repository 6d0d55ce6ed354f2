"""Signals as a command meets them: the first asks, the second ends."""

from __future__ import annotations

import asyncio
import os
import signal
import threading

import pytest

from mls_tui.cli import running, workers
from mls_tui.importer.control import ImportControl


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
        assert "Once more stops at once" in capsys.readouterr().err
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
    assert "Once more stops at once" in capsys.readouterr().err
    os.kill(os.getpid(), signal.SIGTERM)
    await _turns()
    assert ended == ["at once"]
