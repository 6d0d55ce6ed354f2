"""Signing in on the command line, at a pool that checks the proof: on a terminal, with a first sign-in's new password,
an authenticator's code, and no password echoed, printed or kept in the clear."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cognito.pool import Pool, code_of
from tests.cognito.server import serving
from tests.e2e.cli.house import PATIENCE_SECONDS, Here, command, files_below

TEMPORARY, CHOSEN = "Canary-temp-123456", "Canary-chosen-654321"
APP, NOON = b"canary of the app", datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    """A user pool with ``ann``, who has to choose a password, and ``bob``, who has an authenticator; configured."""
    pool = Pool(now=lambda: NOON)
    pool.add("ann", TEMPORARY, must_change=True)
    pool.add("bob", CHOSEN, totp=APP)
    with serving(pool) as url:
        monkeypatch.setenv("MLS_TUI_USER_POOL_ID", pool.pool_id)
        monkeypatch.setenv("MLS_TUI_USER_POOL_CLIENT_ID", pool.client_id)
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        yield pool


def on_a_terminal(answers: dict[str, str], *arguments: str) -> tuple[int, str]:
    """Run on a terminal and answer each prompt: exit code, and all that the terminal showed."""
    master, slave = pty.openpty()
    running = subprocess.Popen(
        command(*arguments), stdin=slave, stdout=slave, stderr=slave, start_new_session=True, close_fds=True
    )
    os.close(slave)
    shown, left = "", dict(answers)
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        while time.monotonic() < deadline:
            if not select.select([master], [], [], 0.5)[0]:
                continue
            shown += os.read(master, 65_536).decode(errors="replace")
            for prompt in [each for each in left if f"{each}:" in shown]:
                os.write(master, f"{left.pop(prompt)}\n".encode())
    except OSError:
        pass  # Linux says EIO once the other side is closed
    finally:
        os.close(master)
    return running.wait(PATIENCE_SECONDS), shown


@pytest.mark.promise("secrets at rest", "sign-in")
def test_a_first_sign_in_chooses_a_password_and_lasts_until_sign_out(cli: Here, pool: Pool, home: Path) -> None:
    refused = cli("import", "Lake", "--json")
    assert (refused.code, refused.json) == (3, {"success": False, "error": "Authentication required"})
    answers = {"User name": "ann", "Password": TEMPORARY, "A new password is required": CHOSEN}
    code, shown = on_a_terminal(answers, "sign-in")
    assert code == 0, shown
    assert "Signed in as ann" in shown
    assert shown.count("MLS_TUI_KEY") == 1, "the key that was put into a file is warned of once"
    assert "Canary" not in shown
    assert cli.done("whoami").out.strip() == "sub-of-ann"
    assert cli.done("connections", "list", "--json").json == []
    on_disk = b"".join(path.read_bytes() for path in files_below(home))
    assert b"Canary" not in on_disk
    assert b"eyJ" not in on_disk, "a token in the clear"
    assert all(b"Canary-temp" not in body for _, body in pool.heard)
    cli("sign-out")
    assert pool.heard[-1][0] == "RevokeToken"
    assert cli("whoami").code == 3


@pytest.mark.promise("sign-in")
def test_a_wrong_password_is_a_sentence_and_nobody_is_signed_in(cli: Here, pool: Pool) -> None:
    for name, password in (("ann", CHOSEN), ("nobody", TEMPORARY)):
        code, shown = on_a_terminal({"Password": password}, "sign-in", "--username", name)
        assert code == 3
        assert "name or the password is wrong" in shown
        assert "Canary" not in shown
    assert [name for name, _ in pool.heard] == ["InitiateAuth", "RespondToAuthChallenge"] * 2
    assert cli("whoami").code == 3


@pytest.mark.promise("sign-in")
def test_an_authenticators_code_completes_a_sign_in(cli: Here, pool: Pool) -> None:
    answers = {"Password": CHOSEN, "The code of your authenticator app": code_of(APP, NOON)}
    code, shown = on_a_terminal(answers, "sign-in", "--username", "bob")
    assert code == 0, shown
    assert "Signed in as bob@example.com" in shown
    assert cli.done("whoami").out.strip() == "sub-of-bob"
