"""Signing in on the command line, over moto's server: on a terminal, with the challenge of a first sign-in, and no
password echoed, printed or kept in the clear."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.contract.aws_server import aws_endpoint
from tests.e2e.cli.house import PATIENCE_SECONDS, Here, command, files_below

TEMPORARY, CHOSEN = "Canary-temp-123456", "Canary-chosen-654321"


@pytest.fixture(scope="module")
def endpoint(_neutral_environment: None) -> Iterator[str]:
    with aws_endpoint() as url:
        yield url


@pytest.fixture
def pool(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A user pool with ``ann``, who has to choose a password, configured; the pool's client id."""
    client: Any = boto3.client("cognito-idp", endpoint_url=endpoint)
    pool_id = client.create_user_pool(PoolName="p")["UserPool"]["Id"]
    app = client.create_user_pool_client(UserPoolId=pool_id, ClientName="c")["UserPoolClient"]["ClientId"]
    client.admin_create_user(UserPoolId=pool_id, Username="ann", TemporaryPassword=TEMPORARY)
    monkeypatch.setenv("MLS_TUI_USER_POOL_ID", pool_id)
    monkeypatch.setenv("MLS_TUI_USER_POOL_CLIENT_ID", app)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    return str(app)


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


def test_a_first_sign_in_chooses_a_password_and_lasts_until_sign_out(cli: Here, pool: str, home: Path) -> None:
    refused = cli("import", "Lake", "--json")
    assert (refused.code, refused.json) == (3, {"success": False, "error": "Authentication required"})
    answers = {"User name": "ann", "Password": TEMPORARY, "A new password is required": CHOSEN}
    code, shown = on_a_terminal(answers, "sign-in")
    assert code == 0, shown
    assert "Signed in as ann" in shown
    assert shown.count("MLS_TUI_KEY") == 1, "the key that was put into a file is warned of once"
    assert "Canary" not in shown
    user = cli.done("whoami").out.strip()
    assert len(user) == 36
    assert cli.done("connections", "list", "--json").json == []
    on_disk = b"".join(path.read_bytes() for path in files_below(home))
    assert b"Canary" not in on_disk
    assert b"eyJ" not in on_disk, "a token in the clear"
    cli("sign-out")
    assert cli("whoami").code == 3


def test_a_wrong_password_is_a_sentence_and_nobody_is_signed_in(cli: Here, pool: str) -> None:
    code, shown = on_a_terminal({"Password": TEMPORARY}, "sign-in", "--username", "nobody")
    assert code == 3
    assert "name or the password is wrong" in shown
    assert "Canary" not in shown
    assert cli("whoami").code == 3
