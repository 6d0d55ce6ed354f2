"""No secret leaves: canary tokens are planted, and every byte that the program writes is searched for them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from aiohttp import web

from mls_tui.demo.process import start_in_thread
from mls_tui.demo.server import DemoMLS
from tests.e2e.cli.house import FAST, Here, Outcome, files_below

COMMANDS = (
    ("connections", "list"),
    ("connections", "list", "--json"),
    ("connections", "test", "Lake"),
    ("import", "Lake", "--dry-run"),
    ("import", "Lake"),
    ("import", "Lake", "--full", "--json"),
    ("import", "Lake", "--full", "--events"),
    ("-vv", "import", "Lake", "--full"),
    ("listings", "--json"),
    ("listings", "--csv"),
    ("history", "--json"),
    ("doctor", "Lake", "--json"),
    ("info",),
    ("storage", "check", "--photos"),
    ("connections", "remove", "Lake"),
)


def _spellings(secret: str) -> list[bytes]:
    plain = secret.encode()
    return [plain, base64.b64encode(plain)[:-4], plain.hex().encode()]


def _search(secrets: list[str], said: list[Outcome], folder: Path) -> list[str]:
    """Where a secret stands, in any spelling."""
    heaps = {f"output of command {number}": each.out + each.err for number, each in enumerate(said)}
    bodies = {name: text.encode() for name, text in heaps.items()}
    bodies |= {str(path): path.read_bytes() for path in files_below(folder)}
    return [
        f"{secret} in {name}"
        for secret in secrets
        for spelling in _spellings(secret)
        for name, body in bodies.items()
        if spelling in body
    ]


def test_no_secret_stands_anywhere(cli: Here, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with start_in_thread(listings=4) as running:
        mls: DemoMLS = running.mls
        asked = 0

        async def hook(request: web.Request) -> web.StreamResponse | None:
            nonlocal asked
            asked += request.path.endswith("/Property")
            if request.path.endswith("/Property") and asked % 3 == 0:
                return web.Response(status=503, text=f"cannot serve {request.headers.get('Authorization')}")
            return None

        mls.hook = hook
        secrets = [mls.client_secret, mls.password, "canary-MLS_TUI_KEY-77aa"]
        monkeypatch.setenv("SECRET", mls.client_secret)
        monkeypatch.setenv("PASSWORD", mls.password)
        monkeypatch.setenv("MLS_TUI_KEY", secrets[2])
        given = ["--provider", "reso", "--base-url", mls.base_url, "--token-url", mls.token_url, *FAST]
        given += ["--client-id", mls.client_id, "--client-secret-env", "SECRET"]
        given += ["--username", mls.username, "--password-env", "PASSWORD"]
        said = [cli.done("connections", "add", "Lake", *given)]
        said += [cli(*arguments) for arguments in COMMANDS]
        given_out = sorted(mls.tokens._access)
        assert given_out
    assert {outcome.code for outcome in said} <= {0, 1}
    assert _search([*secrets, *given_out], said, home) == []


def test_a_token_that_the_mls_repeats_is_masked(cli: Here, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = "canary-access-token-4f7e"
    with start_in_thread(listings=2) as running:

        async def hook(request: web.Request) -> web.StreamResponse | None:
            body = {"error": {"message": f"token {token} is revoked", "innererror": token}}
            return web.Response(status=400, text=json.dumps(body), content_type="application/json")

        running.mls.hook = hook
        monkeypatch.setenv("TOKEN", token)
        given = ("--provider", "reso", "--base-url", running.mls.base_url, "--token-env", "TOKEN", *FAST)
        said = [cli.done("connections", "add", "Lake", *given)]
        said += [cli(*each) for each in COMMANDS]
    assert _search([token], said, home) == []


def test_a_secret_is_never_an_argument(cli: Here) -> None:
    for option in ("--token", "--client-secret", "--password", "--refresh-token", "--key"):
        outcome = cli("connections", "add", "Lake", "--provider", "reso", option, "canary-in-argv")
        assert outcome.code == 2
        assert "canary-in-argv" not in outcome.out + outcome.err
