"""``mls-tui doctor`` and ``mls-tui info``: what is right and wrong here, and what is configured."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from mls_tui import __version__, actions
from mls_tui.cli.help import connection_names
from mls_tui.cli.output import plain_text, print_json
from mls_tui.cli.running import data_of, json_option, settings_of, with_workspace
from mls_tui.config import Settings, effective
from mls_tui.domain.errors import MlsTuiError, sentence
from mls_tui.storage.base import Check

_GLYPHS = {"ok": "✓ ok     ", "skipped": "- skipped", "warning": "! warning", "failure": "✗ failure"}


def print_checks(checks: Sequence[Check], *, as_json: bool) -> None:
    """One line a check on stdout, its advice below it; as JSON an array."""
    if as_json:
        print_json([asdict(check) for check in checks])
        return
    for check in checks:
        click.echo(f"{_GLYPHS.get(check.state, check.state)}  {check.name}: {plain_text(check.detail, 300)}")
        if check.advice and check.state != "ok":
            click.echo(f"             → {plain_text(check.advice, 300)}")


@click.command()
@click.argument("connection", required=False, shell_complete=connection_names)
@json_option("Print an array of checks.")
@click.pass_context
def doctor(ctx: click.Context, connection: str | None, as_json: bool) -> None:
    """Check configuration, AWS rights and, with CONNECTION, what its provider supports."""
    answer = with_workspace(ctx, lambda ws: actions.run_doctor(ws, connection), as_json=as_json)
    checks = data_of(answer, as_json=as_json)
    print_checks(checks, as_json=as_json)
    sys.exit(answer.exit_code)


@click.command()
@json_option("Print the same as one JSON document.")
@click.option("--keys", is_flag=True, help="Print the interface's keys by their ids, for [keys] in config.toml.")
@click.pass_context
def info(ctx: click.Context, as_json: bool, keys: bool) -> None:
    """Version, every path, the effective configuration with secrets masked."""
    if keys:
        _print_keys(as_json=as_json)
        return
    settings = settings_of(ctx, as_json=as_json)
    paths, stores, key = _paths(settings), _stores(settings), _key(settings)
    if as_json:
        rows: dict[str, Any] = {row.name: {"value": row.value, "source": row.source} for row in effective(settings)}
        document = {"version": __version__, "python": platform.python_version(), "paths": paths}
        print_json({**document, "stores": stores, "encryptionKey": key, "settings": rows})
        return
    click.echo(f"mls-tui {__version__}, Python {platform.python_version()}")
    places = {f"{name} are kept in": place for name, place in stores.items()}
    lines = {**paths, **places, "encryption key": f"{key['id'] or 'none yet'}, in {key['place']}"}
    for name, text in lines.items():
        click.echo(f"{name:<24} {plain_text(text)}")
    for row in effective(settings):
        click.echo(f"{row.name:<24} {plain_text(row.value) or '—'}  ({row.source})")
    for problem in _key_problems(settings):
        click.echo(f"! {plain_text(problem)}")


def _key_problems(settings: Settings) -> list[str]:
    if not settings.keymap:
        return []
    from mls_tui.ui.keys import key_problems  # loads the interface

    return key_problems(settings.keymap)


def _print_keys(*, as_json: bool) -> None:

    from mls_tui.ui.keys import key_ids

    found = key_ids()
    if as_json:
        print_json({name: {"keys": keys, "does": words} for name, (keys, words) in found.items()})
        return
    for name, (keys, words) in found.items():
        click.echo(f"{name:<26} {keys:<32} {words}".rstrip())


def _paths(settings: Settings) -> dict[str, str]:
    return {
        "configuration": str(settings.config_path),
        "database": str(settings.database_path),
        "photos": str(settings.photos_path),
        "state": str(settings.state_path),
        "log": str(settings.log_path),
        "cache": str(settings.cache_path),
    }


def _stores(settings: Settings) -> dict[str, str]:
    from mls_tui.storage.open import open_stores

    listings, photos = open_stores(settings)
    return {"listings": listings.describe(), "photos": photos.describe()}


def _key(settings: Settings) -> dict[str, str | None]:
    """The key that encrypts new secrets, and its place; ``id`` is None if there is no key yet."""
    from mls_tui.vault.secrets import open_vault

    try:
        vault = open_vault(settings)
        if settings.storage == "aws" and settings.kms_key_id:
            return {"id": settings.kms_key_id, "place": vault.place}
        kept = (settings.key_path, settings.key_path.with_name("in-keyring"))
        made = settings.key is not None or any(path.exists() for path in kept)
        return {"id": vault.key_id() if made else None, "place": vault.place}
    except MlsTuiError as error:
        return {"id": None, "place": sentence(error)}
