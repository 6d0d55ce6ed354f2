"""Lines of ``storage check`` and ``doctor``: ok, warning or failure, with what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import click

from mls_tui.cli.text import plain_text, print_json
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
