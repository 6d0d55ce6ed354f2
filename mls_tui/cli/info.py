"""``mls-tui info``: version, every path, the effective configuration with secrets masked. Creates nothing."""

from __future__ import annotations

import platform
from typing import Any

import click

from mls_tui import __version__
from mls_tui.cli.running import json_option, settings_of
from mls_tui.cli.text import plain_text, print_json
from mls_tui.config import Settings, effective
from mls_tui.domain.errors import MlsTuiError, sentence


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


def _print_keys(*, as_json: bool) -> None:
    from mls_tui.cli.key_ids import key_ids

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
    """Which key new secrets are encrypted with, and where it is; ``id`` is None while there is none."""
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
