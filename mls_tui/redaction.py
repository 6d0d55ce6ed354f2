"""Masks secrets in text that is about to leave the program: known ones word for word, unknown ones by their looks."""

from __future__ import annotations

import json
import re
import threading
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "••••••"
SHORTEST = 6
"""A shorter registered secret is not masked word for word: it would mask half of every text."""

_NAMES = (
    r"access[_-]?token|refresh[_-]?token|id[_-]?token|auth[_-]?token|token|client[_-]?secret|secret(?:[_-]?key)?|"
    r"password|passwd|pwd|api[_-]?key|apikey|authorization|x-amz-signature|x-amz-security-token|signature|sig|"
    r"awsaccesskeyid|key-pair-id"
)
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{4,}", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]+){1,4}"), MASK),
    (
        re.compile(rf"(\b(?:{_NAMES})[\"']?\s*[=:]\s*[\"']?)(?!(?:Bearer|Basic)\b)[^\s\"'&,;}}\])]+", re.IGNORECASE),
        rf"\1{MASK}",
    ),
    (re.compile(r"(\b[a-z][a-z0-9+.-]{1,15}://[^\s/:@]*):[^\s/@]+@", re.IGNORECASE), rf"\1:{MASK}@"),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), MASK),
)


class Redactor:
    """Learns secrets as they are used (``add`` fits ``open_vault(on_secret=…)``). Thread-safe."""

    def __init__(self) -> None:
        self._known: dict[str, None] = {}
        self._lock = threading.Lock()
        self._compiled: re.Pattern[str] | None = None

    def __repr__(self) -> str:
        return f"Redactor({len(self._known)} known)"

    def add(self, secret: str) -> None:
        """Mask this secret from now on, in the spellings it may take in a URL or in JSON too."""
        if len(secret) < SHORTEST or secret in self._known:
            return
        spellings = (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1])
        with self._lock:
            self._known.update(dict.fromkeys(spellings))
            longest_first = sorted(self._known, key=len, reverse=True)
            self._compiled = re.compile("|".join(map(re.escape, longest_first)))

    def text(self, text: str) -> str:
        """The text with every secret masked."""
        if (known := self._compiled) is not None:
            text = known.sub(MASK, text)
        for pattern, masked in _PATTERNS:
            text = pattern.sub(masked, text)
        return text

    def value(self, value: Any) -> Any:
        """The same within lists and maps; numbers, booleans and None as they are, anything else as text."""
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, dict):
            return {self.text(str(name)): self.value(item) for name, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item) for item in value]
        return self.text(str(value))
