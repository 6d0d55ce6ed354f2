"""What a terminal shows and what a pipe gets: a bar here, lines there; colour only where wanted; hostile feed text
nowhere raw."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import click
import pytest

from mls_tui.cli import cli as root
from mls_tui.demo.process import start_in_thread
from mls_tui.demo.server import DemoMLS
from tests.e2e.cli.house import PATIENCE_SECONDS, Here, add, command, ended, process

HOSTILE = "\x1b[2J\x1b]0;owned\x07 12 Elm\u202e [red]St[/red]\r\n\x9b31m"


def in_terminal(*arguments: str, **variables: str) -> tuple[int, str, str]:
    """Run with stderr on a terminal: exit code, stdout, what the terminal was sent."""
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", **variables}
    running = subprocess.Popen(
        command(*arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=slave,
        env=environment,
        text=True,
    )
    os.close(slave)
    shown = bytearray()
    try:
        while chunk := os.read(master, 65536):
            shown += chunk
    except OSError:
        pass  # Linux says EIO once the other side is closed
    finally:
        os.close(master)
    out, _ = running.communicate(timeout=PATIENCE_SECONDS)
    return running.returncode, out, shown.decode(errors="replace")


def test_a_terminal_shows_a_bar_and_gets_its_cursor_back(connected: Here) -> None:
    code, out, shown = in_terminal("import", "Lake", "--no-photos")
    assert code == 0
    assert "━" in shown
    assert "Page 1" not in shown
    assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l")
    assert out.startswith("Imported 6 of 6")


def test_no_color_is_heeded(connected: Here) -> None:
    _, _, shown = in_terminal("import", "Lake", "--no-photos", NO_COLOR="1")
    assert "\x1b[3" not in shown


def test_a_dumb_terminal_gets_plain_lines(connected: Here) -> None:
    _, _, shown = in_terminal("import", "Lake", "--no-photos", TERM="dumb")
    assert "\x1b" not in shown
    assert "Page 1" in shown


def test_json_is_silent_on_a_terminal_too(connected: Here) -> None:
    assert in_terminal("import", "Lake", "--no-photos", "--json")[2] == ""


OUTPUT = [("listings",), ("listings", "--csv"), ("info",), ("--help",), ("import", "--help")]


@pytest.mark.parametrize("arguments", OUTPUT)
def test_a_reader_that_leaves_early_is_told_of_in_a_sentence(arguments: tuple[str, ...], imported: Here) -> None:
    read, write = os.pipe()
    os.close(read)
    running = process(*arguments, stdout=write)
    os.close(write)
    outcome = ended(running)
    said = "Error: The standard output cannot be written: its reader has closed it.\n"
    assert (outcome.code, outcome.err) == (4, said)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", OUTPUT)
def test_a_full_output_is_a_sentence_and_exit_code_4(arguments: tuple[str, ...], imported: Here) -> None:
    with Path("/dev/full").open("w") as full:
        outcome = ended(process(*arguments, stdout=full))
    assert (outcome.code, outcome.err.count("\n"), "No space left" in outcome.err) == (4, 1, True)


@pytest.mark.parametrize(
    ("arguments", "closed", "code", "said"),
    [
        ("--help", ">&-", 4, "Error: The standard output cannot be written: it is closed.\n"),
        ("info", ">&-", 4, "Error: The standard output cannot be written: it is closed.\n"),
        ("info", ">&- 2>&-", 4, ""),
        ("import Nothing", "2>&-", 2, ""),
        ("import Lake --no-photos", "2>&-", 0, ""),
        ("import Lake --no-photos", "2>/dev/full", 0, ""),
        ("import Lake --no-photos", ">&-", 4, "it is closed."),
        ("import Lake --no-photos", "<&-", 0, ""),
        ("import Lake --no-photos --events", ">/dev/full", 4, "No space left"),
    ],
)
def test_closed_streams_are_no_traceback_and_stop_no_import(
    arguments: str, closed: str, code: int, said: str, connected: Here
) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"exec {sys.executable} -m mls_tui {arguments} {closed}"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (code, True, False), done
    stored = len(connected.done("listings", "--json").json)
    assert (stored > 0) == ("Lake" in arguments and "--events" not in arguments)


def test_an_import_whose_events_nobody_reads_stops_with_its_state_saved(connected: Here) -> None:
    read, write = os.pipe()
    os.close(read)
    running = process("import", "Lake", "--no-photos", "--events", stdout=write)
    os.close(write)
    outcome = ended(running)
    assert outcome.code == 130
    assert "Traceback" not in outcome.err
    assert [run["state"] for run in connected.done("history", "--json").json] in (["interrupted"], [])


@pytest.mark.promise("hostile text")
def test_feed_text_never_reaches_a_terminal_raw(cli: Here, tmp_path: Path) -> None:
    with start_in_thread(listings=2) as running:
        key = running.mls.feed.listing_keys("Active")[0]
        text = {"UnparsedAddress": HOSTILE, "StreetName": HOSTILE, "City": HOSTILE, "PublicRemarks": HOSTILE}
        running.mls.feed.change(key, **text, ListOfficeName=HOSTILE, MlsStatus=HOSTILE, OriginatingSystemName="Lake")
        bad = running.mls.feed.listing_keys("Active")[1]
        running.mls.feed.change(bad, StandardStatus=HOSTILE, ListingId=HOSTILE)
        add(cli, running.mls)
        said = [cli("import", "Lake", "--no-photos", "--status", "all", *more) for more in ((), ("--full", "--events"))]
        said += [cli("import", "Lake", "--dry-run", "--full", *more) for more in ((), ("--json",))]
        number = running.mls.feed.record(key)["ListingId"]
        said += [cli("listings", *more) for more in ((), ("--json",), ("--csv",))]
        said += [cli("show", number, *more) for more in ((), ("--json",))]
        run = cli.done("history", "--json").json[-1]["runId"]
        said += [cli("history", *more) for more in ((), ("--json",), (run,), (run, "--json"))]
        said += [cli("show", HOSTILE), cli("import", HOSTILE), cli("retry", HOSTILE)]
    for outcome in said:
        for char in ("\x1b", "\x9b", "\x07", "\u202e"):
            assert char not in outcome.out + outcome.err, outcome


def test_a_narrow_encoding_is_no_error(imported: Here, mls: DemoMLS) -> None:
    for arguments in (("listings",), ("show", imported.done("listings", "--json").json[0]["listingId"]), ("history",)):
        environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
        outcome = ended(process(*arguments, env=environment))
        assert (outcome.code, "Traceback" in outcome.err) == (0, False), outcome


def test_help_imports_nothing_heavy() -> None:
    look = (
        "import sys, contextlib\n"
        "from mls_tui.cli import main\n"
        "with contextlib.suppress(SystemExit): main(['--help'])\n"
        "heavy = {'boto3', 'botocore', 'httpx', 'aiohttp', 'textual', 'pydantic', 'rich', 'asyncio', 'PIL'}\n"
        "sys.stderr.write(' '.join(sorted(heavy & set(sys.modules))))\n"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "help completion" in done.stdout


def test_every_option_has_a_help_text() -> None:
    missing = [
        f"{path}: {option.opts}"
        for path, found in _commands(root, click.Context(root), "mls-tui")
        for option in found.params
        if isinstance(option, click.Option) and not option.help
    ]
    assert missing == []


def _commands(command: click.Command, context: click.Context, path: str) -> list[tuple[str, click.Command]]:
    found = [(path, command)]
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            found += _commands(below, context, f"{path} {name}")
    return found
