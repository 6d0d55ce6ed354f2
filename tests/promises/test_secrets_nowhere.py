"""No secret is ever written or printed: canaries are planted wherever a user or an MLS can put one, everything is run,
and every byte that the program wrote is searched for them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mls_tui import actions
from mls_tui.actions import ImportOptions
from mls_tui.actions.workspace import Workspace
from mls_tui.config import load_settings
from mls_tui.log import setup_logging
from tests.e2e.house import scan
from tests.promises import canaries
from tests.promises.children import Child
from tests.promises.leaky_mls import LeakyMLS, leaky_mls

SECRETS = {"PASS": canaries.PASSWORD, "CLIENT": canaries.CLIENT_SECRET, "TOKEN": canaries.TOKEN}
REMOVE = ["connections", "remove", "Leaky"]


def _commands(mls: LeakyMLS) -> list[list[str]]:
    secrets = ["--password-env", "PASS", "--client-secret-env", "CLIENT"]
    add = ["--provider", "reso", "--base-url", mls.base_url, "--token-url", mls.token_url, "--username", "ann"]
    return [
        ["storage", "init"],
        ["-vv", "connections", "add", "Leaky", *add, "--client-id", "id", *secrets],
        ["connections", "add", "Plain", "--provider", "reso", "--base-url", mls.plain_url, "--token-env", "TOKEN"],
        ["-vv", "import", "Leaky", "--events"],
        ["-vv", "connections", "test", "Leaky"],
        ["-v", "import", "Leaky", "--full", "--json"],
        ["import", "Plain", "--dry-run", "--json"],
        ["history", "--json"],
        ["listings", "--json"],
        ["connections", "list", "--json"],
        ["listings", "--csv"],
        ["show", "N2"],
        ["show", "N1", "--json"],
        ["info"],
        ["storage", "init", "--print-policy"],
        ["storage", "init", "--print-template"],
        ["doctor", "Leaky"],
        ["storage", "check"],
        ["keys", "rotate"],
    ]


async def _run(environ: dict[str, str], arguments: list[str], folder: Path) -> tuple[int, bytes]:
    def whole() -> tuple[int, bytes]:
        child = Child(environ, arguments, folder / "stderr")
        out = child.output()
        ending = child.ending()
        assert "Traceback" not in ending.said, ending.said
        return ending.code, out + ending.said.encode()

    return await asyncio.to_thread(whole)


@pytest.mark.promise("secrets nowhere else")
async def test_no_command_writes_or_prints_a_secret(
    new_environ: Callable[[], dict[str, str]], kind: str, tmp_path: Path
) -> None:
    environ = new_environ()
    written = Path(environ["MLS_TUI_HOME"])
    environ |= {**SECRETS, "MLS_TUI_KEY": canaries.KEY, "AWS_SECRET_ACCESS_KEY": canaries.AWS_SECRET}
    environ |= {"MLS_TUI_WEBP_VARIANTS": "16"}
    async with leaky_mls() as mls:
        commands = _commands(mls)
        for arguments in commands if kind == "local" else commands[:5]:
            await _searched(environ, arguments, tmp_path)
        mls.broken = True
        for arguments in (["-vv", "import", "Leaky", "--events"], REMOVE):
            await _searched(environ, arguments, tmp_path)
        planted = {canaries.PASSWORD, canaries.CLIENT_SECRET, f"Bearer {canaries.TOKEN}"}
        assert planted <= mls.sent
    assert (written / "state" / "logs" / "mls-tui.jsonl").stat().st_size > 1_000
    assert canaries.search_folder(written, canaries.BUT_URLS) == []
    assert kind == "aws" or _smaller_copies(written)
    _aws_holds_no_secret(environ)


def _smaller_copies(folder: Path) -> list[Path]:
    return list(folder.rglob("*.webp"))


async def _searched(environ: dict[str, str], arguments: list[str], folder: Path) -> None:
    code, said = await _run(environ, arguments, folder)
    assert code in (0, 1, 2, 3, 4), (arguments, said)
    allowed = canaries.BUT_URLS if arguments[0] in ("listings", "show") else canaries.EVERY
    assert canaries.found_in(said, allowed) == [], (arguments, said)


def _aws_holds_no_secret(environ: dict[str, str]) -> None:
    if environ.get("MLS_TUI_STORAGE") != "aws":
        return
    import boto3

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", environ["AWS_ENDPOINT_URL"])
        items = json.dumps(scan(environ["MLS_TUI_TABLE"]), default=str, ensure_ascii=False)
        assert "LISTING#" in items
        assert canaries.found_in(items.encode(), canaries.BUT_URLS) == []
        s3: Any = boto3.client("s3")
        bucket = environ["MLS_TUI_BUCKET"]
        listed = s3.list_objects_v2(Bucket=bucket)["Contents"]
        for each in listed:
            answer = s3.get_object(Bucket=bucket, Key=each["Key"])
            said = json.dumps([each["Key"], answer["Metadata"]]).encode() + answer["Body"].read()
            assert canaries.found_in(said) == []


@pytest.mark.promise("secrets nowhere else")
async def test_the_signature_of_a_photos_url_stands_in_that_url_alone(tmp_path: Path) -> None:
    settings = load_settings(environ={}, home=str(tmp_path / "home"), allow_private_hosts=True)
    async with leaky_mls() as mls, Workspace(settings) as ws:
        await _import(mls, ws)
        for listing in (await actions.get_imported_listings(ws)).data or []:
            for photo in listing.photos:
                rest = photo if photo.key else photo.model_copy(update={"url": ""})
                assert canaries.found_in(rest.model_dump_json().encode()) == []


async def _import(mls: LeakyMLS, ws: Workspace) -> str | None:
    form = actions.ConnectionForm(name="L", provider="reso", base_url=mls.base_url, access_token=canaries.TOKEN)
    made = await actions.connect_mls(form, ws)
    assert made.data is not None
    answer = await actions.import_mls_listings(made.data.connection.connection_id, ImportOptions(), ws)
    return answer.error


@pytest.mark.promise("secrets nowhere else")
async def test_an_unforeseen_error_that_holds_a_secret_shows_it_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings(environ={}, home=str(tmp_path / "home"), allow_private_hosts=True)

    def breaks(*_: object, **__: object) -> None:
        raise RuntimeError(f"cannot use {canaries.TOKEN} for {canaries.TOKEN!r}")

    monkeypatch.setattr("mls_tui.importer.plan.decide", breaks)
    log = setup_logging(settings)
    try:
        async with leaky_mls() as mls, Workspace(settings, on_secret=log.masker.add) as ws:
            error = await _import(mls, ws)
    finally:
        log.close()
    assert error
    assert canaries.found_in(error.encode()) == []
    assert "RuntimeError" in log.path.read_text()
    assert canaries.search_folder(tmp_path / "home", canaries.BUT_URLS) == []
