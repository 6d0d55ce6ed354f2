"""The interface leaves by ``os._exit``: what an ordinary end would still have written is written before."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pytest

from mls_tui.cli.running import leave
from mls_tui.config import load_settings
from mls_tui.log import setup_logging


class RefusingClient:
    def __getattr__(self, name: str) -> Any:
        raise PermissionError(name)


def test_log_is_written_and_tells_what_did_not_reach_cloudwatch(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    settings = load_settings({"MLS_TUI_HOME": str(home), "MLS_TUI_LOG_GROUP": "/mls-tui/test"})
    log = setup_logging(settings, client=RefusingClient())
    logging.getLogger("mls_tui").error("the last word")
    leave(3, log)
    text = settings.log_path.read_text()
    assert codes == [3]
    assert "the last word" in text
    assert "1 line of the log did not reach CloudWatch Logs: PermissionError." in text
