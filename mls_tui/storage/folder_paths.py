"""Object keys as file paths and back. No key, however hostile, may lead outside the root or to a hidden file."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, unquote

from mls_tui.domain.errors import StorageError

_MAX_KEY_BYTES = 1024
_CHUNK = 200
"""Longest file name; most file systems allow 255 bytes."""
_GOES_ON = "+"
"""Ends a folder's name where the component goes on below it. Encoded everywhere else, so it cannot come from a key."""


def relative_path(key: str) -> Path:
    """Where the object of ``key`` stands below the root. Raises StorageError for a key that cannot be a path."""
    parts: list[str] = []
    if not key or len(key.encode("utf-8", "replace")) > _MAX_KEY_BYTES:
        raise StorageError(f"A photo's key must have 1 to {_MAX_KEY_BYTES} bytes.")
    for component in key.split("/"):
        if component in ("", ".", ".."):
            raise StorageError("A photo's key has an empty or a dot component; it cannot be stored.")
        encoded = quote(component, safe="-._~", errors="replace")
        if encoded.startswith("."):
            encoded = f"%2E{encoded[1:]}"
        while len(encoded) > _CHUNK:
            parts.append(encoded[:_CHUNK] + _GOES_ON)
            encoded = encoded[_CHUNK:]
            if encoded.startswith("."):
                encoded = f"%2E{encoded[1:]}"
        parts.append(encoded)
    return Path(*parts)


def key_of(relative: Path) -> str:
    """The reverse of ``relative_path``."""
    joined = "/".join(relative.parts).replace(f"{_GOES_ON}/", "")
    return unquote(joined)
