"""``mls-tui info``: version, every path, the effective configuration with secrets masked."""

from __future__ import annotations

import platform
from typing import Any

import click

from mls_tui import __version__
from mls_tui.cli.running import print_json, settings_of
from mls_tui.config import Settings, effective


@click.command()
@click.option("--json", "as_json", is_flag=True)
@click.pass_context
def info(ctx: click.Context, as_json: bool) -> None:
    """Version, every path, the effective configuration with secrets masked."""
    settings = settings_of(ctx)
    paths = _paths(settings)
    if as_json:
        rows: dict[str, Any] = {row.name: {"value": row.value, "source": row.source} for row in effective(settings)}
        print_json({"version": __version__, "python": platform.python_version(), "paths": paths, "settings": rows})
        return
    click.echo(f"mls-tui {__version__}, Python {platform.python_version()}")
    for name, path in paths.items():
        click.echo(f"{name:<24} {path}")
    for row in effective(settings):
        click.echo(f"{row.name:<24} {row.value or '—'}  ({row.source})")


def _paths(settings: Settings) -> dict[str, str]:
    from mls_tui.users.secrets import open_vault

    return {
        "configuration": str(settings.config_path),
        "database": str(settings.database_path),
        "photos": str(settings.photos_path),
        "state": str(settings.state_path),
        "log": str(settings.log_path),
        "cache": str(settings.cache_path),
        "encryption key": open_vault(settings).place,
    }
