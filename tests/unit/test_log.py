"""Promises about the log: one line per error, nothing that breaks a line, no secret, never in the way."""

from __future__ import annotations

import io
import json
import logging
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mls_tui.config import Settings, load_settings
from mls_tui.domain.errors import ConnectionExpiredError, MLSError
from mls_tui.domain.events import (
    AttemptFailed,
    Event,
    ListingFailed,
    ListingStored,
    PhotoFailed,
    RunFinished,
    Throttled,
)
from mls_tui.domain.masking import Masker
from mls_tui.domain.run import ImportResult, RunState
from mls_tui.log import Log, log_error, log_event, printable, recent, setup_logging

CANARY = "c4nary/tok+en=="
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
Start = Callable[..., Log]


@pytest.fixture
def settings(home: Path) -> Settings:
    return load_settings({"MLS_TUI_HOME": str(home)})


@pytest.fixture
def start(settings: Settings) -> Iterator[Start]:
    running: list[Log] = []

    def begin(verbose: int = 0, **options: Any) -> Log:
        running.append(setup_logging(settings, verbose, **options))
        return running[-1]

    yield begin
    for log in running:
        log.close()


def _lines(settings: Settings) -> list[dict[str, Any]]:
    return [json.loads(line) for line in settings.log_path.read_text().splitlines()]


@pytest.mark.promise("logs")
def test_a_failed_listing_is_one_line_with_category_number_attempts_and_cause(start: Start, settings: Settings) -> None:
    start()
    log_event(ListingFailed(at=NOON, run="r1", mls_number="A1", listing_key="k", error="503 from the MLS", attempts=3))
    (line,) = _lines(settings)
    expected = {"category": "import", "mls_number": "A1", "attempts": 3, "cause": "503 from the MLS", "run": "r1"}
    assert expected.items() <= line.items()
    assert line["level"] == "error"
    assert line["at"].endswith("Z")


@pytest.mark.promise("logs")
@pytest.mark.parametrize(
    ("event", "category", "level"),
    [
        (
            PhotoFailed(at=NOON, run="r", mls_number="A1", listing_key="K1", photo_index=2, cause="404", attempts=2),
            "photo",
            "error",
        ),
        (AttemptFailed(at=NOON, run="r", what="page", attempt=1, of=3, wait=1.5, cause="reset"), "network", "warning"),
        (Throttled(at=NOON, run="r", until=NOON, why="429"), "network", "warning"),
        (
            RunFinished(at=NOON, run="r", result=ImportResult(state=RunState.FAILED, error="no", exit_code=3)),
            "authentication",
            "error",
        ),
    ],
)
def test_each_kind_of_error_has_its_category(
    start: Start, settings: Settings, event: Event, category: str, level: str
) -> None:
    start()
    log_event(event)
    (line,) = _lines(settings)
    assert (line["category"], line["level"]) == (category, level)


def test_an_error_is_not_filed_twice_and_success_not_at_all(start: Start, settings: Settings) -> None:
    start()
    log_event(AttemptFailed(at=NOON, run="r", what="listing", attempt=3, of=3, wait=None, cause="x", mls_number="A1"))
    log_event(ListingStored(at=NOON, run="r", mls_number="A2", listing_key="k", outcome="created", listing_id="l"))
    assert not settings.log_path.exists()


def test_a_quiet_start_makes_no_folder(start: Start, home: Path) -> None:
    start()
    assert not home.exists()


def test_the_file_is_for_its_owner_alone(start: Start, settings: Settings) -> None:
    start()
    log_error(MLSError("down"), "Import failed")
    assert stat.S_IMODE(settings.log_path.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.log_path.parent.stat().st_mode) == 0o700


@pytest.mark.promise("logs")
def test_the_log_rotates_and_rotated_files_stay_private(
    start: Start, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mls_tui.log.MAX_BYTES", 2_000)
    start()
    for number in range(200):
        log_error(MLSError("down " * 20), f"failure {number}")
    files = sorted(settings.log_path.parent.iterdir())
    assert 2 <= len(files) <= 6
    assert all(file.stat().st_size <= 2_500 and stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)


@pytest.mark.promise("hostile text")
@given(text=st.text(max_size=200))
def test_no_text_of_a_feed_breaks_a_line_or_reaches_the_terminal(text: str) -> None:
    record = logging.LogRecord("mls_tui", logging.ERROR, "", 0, "%s", (text,), None)
    record.mls_number = record.cause = text
    from mls_tui.log import JsonFormatter, TextFormatter

    line = JsonFormatter(Masker()).format(record)
    assert len(line.splitlines()) == 1
    assert line.isascii()
    assert line.isprintable()
    assert isinstance(json.loads(line)["message"], str)
    readable = TextFormatter(Masker()).format(record)
    assert readable.isprintable()


def test_a_forged_line_stays_inside_its_field(start: Start, settings: Settings) -> None:
    start()
    forged = 'x"}\n{"level": "error", "message": "forged"}\x1b[2J\u2028'
    log_event(ListingFailed(at=NOON, run="r", mls_number=forged, listing_key="k", error=forged, attempts=1))
    (line,) = _lines(settings)
    assert line["mls_number"] == forged


def test_a_secret_is_masked_wherever_it_comes_from(start: Start, settings: Settings) -> None:
    stream = io.StringIO()
    log = start(2, stream=stream)
    log.masker.add(CANARY)
    logger = logging.getLogger("mls_tui.x")
    logger.error("with %s", CANARY)
    logger.error("with %r", {"nested": [CANARY]})
    try:
        raise RuntimeError(f"https://host/?q={CANARY}") from ValueError(CANARY)
    except RuntimeError as error:
        log_error(error, f"with {CANARY}", cause=[CANARY])
    logging.getLogger("urllib3").warning("GET /?t=c4nary%2Ftok%2Ben%3D%3D")
    written = settings.log_path.read_text() + stream.getvalue()
    assert "c4nary" not in written
    assert len(_lines(settings)) == 4
    assert "c4nary" not in repr(log)


@pytest.mark.promise("logs")
def test_readable_lines_appear_only_when_asked_for(start: Start) -> None:
    stream = io.StringIO()
    start(1, stream=stream)
    log_event(ListingFailed(at=NOON, run="r", mls_number="A1", listing_key="k", error="bad \x1b[31m page", attempts=3))
    assert "Listing failed [A1] (bad \\x1b[31m page)" in stream.getvalue()
    assert stream.getvalue().count("\n") == 1


def test_a_disk_that_cannot_be_written_is_silent(
    settings: Settings, start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    settings.state_path.parent.mkdir()
    settings.state_path.write_text("a file where the folder should be")
    start()
    log_error(MLSError("down"), "Import failed")
    assert capfd.readouterr() == ("", "")


def test_an_expected_error_has_no_trace_and_an_unexpected_one_has(start: Start, settings: Settings) -> None:
    start()
    for error in (ConnectionExpiredError(), ZeroDivisionError("oh")):
        try:
            raise error
        except Exception as caught:
            log_error(caught, "Import failed")
    first, second = _lines(settings)
    assert first["category"] == "authentication"
    assert "trace" not in first
    assert "ZeroDivisionError" in second["trace"]


def test_the_interface_reads_back_what_was_logged_and_survives_a_damaged_line(start: Start, settings: Settings) -> None:
    start()
    log_event(PhotoFailed(at=NOON, run="r", mls_number="A1", listing_key="K1", photo_index=0, cause="404", attempts=2))
    with settings.log_path.open("a") as stream:
        stream.write("half a li\n[1]\n")
    log_error(MLSError("down"), "Import failed")
    lines = recent(settings.log_path)
    assert [(line.category, line.mls_number, line.attempts) for line in lines] == [
        ("photo", "A1", 2),
        ("network", "", None),
    ]
    assert recent(settings.log_path, 1) == lines[-1:]
    assert recent(settings.state_path / "none") == []


def test_printable_keeps_letters_of_every_script() -> None:
    assert printable("Żółć 家 ok") == "Żółć 家 ok"
