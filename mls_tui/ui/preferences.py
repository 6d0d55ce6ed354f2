"""Keeps a single preference in config.toml and leaves everything else of the file as its owner wrote it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from mls_tui.config import read_file
from mls_tui.config_values import BY_NAME
from mls_tui.domain.errors import UsageError
from mls_tui.files import PRIVATE_FILE, private_folder, write_whole


def save_preference(path: Path, name: str, value: str | bool | int) -> None:
    """Set a top-level setting of the file, which is made where it is missing; comments and order stay.

    The result is parsed before it is written: it must be what it was but for this one setting.

    Raises:
        UsageError: the file cannot be read or written, or is laid out in a way that cannot be edited safely.
    """
    spec = BY_NAME[name]
    spec.parse(value)
    before = read_file(path)
    text = path.read_text(encoding="utf-8") if before or path.exists() else ""
    edited = _edited(text, name, json.dumps(value, ensure_ascii=False))
    try:
        understood = tomllib.loads(edited) == {**before, name: value}
    except tomllib.TOMLDecodeError:
        understood = False
    if not understood:
        raise UsageError(f"{name} could not be kept: edit {path} by hand and write {name} = {json.dumps(value)}.")
    try:
        private_folder(path.parent)
        mode = path.stat().st_mode & 0o777 if path.exists() else PRIVATE_FILE
        write_whole(path.resolve(), edited.encode(), mode=mode)
    except OSError as error:
        raise UsageError(f"{name} could not be kept: {path} cannot be written ({error.strerror}).") from None


def _edited(text: str, name: str, literal: str) -> str:
    """The text with the setting's line replaced, or with one added before the first table."""
    lines = text.splitlines(keepends=True)
    table = next((at for at, line in enumerate(lines) if re.match(r"\s*\[", line)), len(lines))
    for at, line in enumerate(lines[:table]):
        if re.match(rf"\s*{re.escape(name)}\s*=", line):
            comment = re.search(r"""^[^"'#]*(?:"[^"\\]*"|'[^']*'|[^"'#\s]+)?[ \t]*(#.*?)?\r?\n?$""", line)
            kept = f"  {comment.group(1)}" if comment and comment.group(1) else ""
            lines[at] = f"{name} = {literal}{kept}\n"
            return "".join(lines)
    end = table
    while end and not lines[end - 1].strip():
        end -= 1
    if end and not lines[end - 1].endswith("\n"):
        lines[end - 1] += "\n"
    lines.insert(end, f"{name} = {literal}\n")
    return "".join(lines)
