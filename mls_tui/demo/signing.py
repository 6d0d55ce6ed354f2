"""Photo URLs that expire: a signature over what they show, until when, and of which reading of Media they are."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import quote

from mls_tui.demo.shots import Shot


class Signer:
    """Gives out and checks photo URLs below ``root``; they live ``lifetime`` seconds."""

    def __init__(self, seed: int, lifetime: int, now: Callable[[], datetime], generation: Callable[[str], int]) -> None:
        self.root = ""
        self._key = f"lakeside {seed}".encode()
        self._lifetime, self._now, self._generation = lifetime, now, generation

    def url(self, key: str, shot: Shot) -> str:
        """The URL of a photo, as of now."""
        until = int(self._now().timestamp()) + self._lifetime
        turn = self._generation(key)
        signature = self._sign(key, shot.number, until, turn)
        name = f"{quote(key, safe='')}/{shot.number}.jpg"
        return f"{self.root}/{name}?expires={until}&turn={turn}&signature={signature}"

    def check(self, key: str, number: int, query: Mapping[str, str]) -> tuple[int, int]:
        """(HTTP status, generation): 200 for a URL that works, 403 for a forged one, 410 for one past its time."""
        until, turn = query.get("expires", ""), query.get("turn", "")
        if not (until.isascii() and until.isdigit() and turn in ("0", "1") and len(until) < 16):
            return 403, 0
        wanted = self._sign(key, number, int(until), int(turn))
        if not hmac.compare_digest(wanted.encode(), query.get("signature", "").encode()):
            return 403, 0
        return (410 if self._now().timestamp() > int(until) else 200), int(turn)

    def _sign(self, key: str, number: int, until: int, turn: int) -> str:
        text = f"{key}/{number}/{until}/{turn}"
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()[:24]
