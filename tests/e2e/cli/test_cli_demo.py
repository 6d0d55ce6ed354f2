"""``mls-tui demo``: a whole import that leaves the user's own files alone."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.e2e.cli.house import ended, files_below, process


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    folders = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    kept = {name: text for name, text in os.environ.items() if not name.startswith("MLS_TUI_")}
    return {**kept, **folders, "HOME": str(tmp_path / "home")}


def test_the_demo_writes_nothing_outside_its_own_folder(tmp_path: Path, environment: dict[str, str]) -> None:
    config = tmp_path / "config" / "mls-tui" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('theme = "mls-light"\n')
    before = config.stat()
    outcome = ended(process("demo", "--headless", "--listings", "3", "--json", env=environment))
    assert outcome.code == 0, outcome
    assert outcome.json["data"]["demo"]["photosDiffering"] == 0
    own = tmp_path / "data" / "mls-tui" / "demo"
    written = [path for path in files_below(tmp_path) if not path.is_relative_to(own)]
    assert written == [config]
    assert (config.stat().st_mtime_ns, config.read_text()) == (before.st_mtime_ns, 'theme = "mls-light"\n')


def test_homes_of_the_demo_were_listed_before_today_and_not_long_ago(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    outcome = ended(process("demo", "--headless", "--listings", "20", env=environment))
    assert outcome.code == 0, outcome
    own = {**environment, "MLS_TUI_HOME": str(tmp_path / "data" / "mls-tui" / "demo" / "1")}
    homes = ended(process("listings", "--json", env=own)).json
    today = datetime.now(UTC).date()
    assert len(homes) == 20
    assert all(0 <= (today - date.fromisoformat(home["listDate"])).days <= 240 for home in homes)
