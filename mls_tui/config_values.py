"""Which settings there are, and how each value is read and checked. Knows no file, flag or environment.

Must stay cheap to import.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from mls_tui.domain.keys import valid_user_id

PREFIX = "MLS_TUI_"


class Spec(NamedTuple):
    """One setting. ``parse`` takes text or a TOML value and raises ValueError with what it wants to see."""

    name: str
    parse: Callable[[object], object]
    default: object = None
    in_file: bool = True
    secret: bool = False

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()


def _text(pattern: str, wanted: str) -> Callable[[object], str]:
    compiled = re.compile(pattern)

    def parse(value: object) -> str:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise ValueError(wanted)
        return value

    return parse


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else ""
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("0", "false", "no", "off"):
        return False
    raise ValueError("1 or 0")


def _number(low: int, high: int) -> Callable[[object], int]:
    wanted = f"a whole number from {low} to {high}"

    def parse(value: object) -> int:
        text = str(value).strip() if isinstance(value, int | str) and not isinstance(value, bool) else ""
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(wanted)
        return int(text)

    return parse


def _widths(value: object) -> tuple[int, ...]:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise ValueError("widths in pixels, like 1600,400")
    try:
        return tuple(dict.fromkeys(_number(16, 8192)(item) for item in items))
    except ValueError:
        raise ValueError("widths from 16 to 8192 pixels, like 1600,400") from None


def _keymap(value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) and key for key in value.values()):
        raise ValueError('lines like import = "i", the name of a binding and its keys')
    return dict(value)


def _user(value: object) -> str:
    if not isinstance(value, str) or not valid_user_id(value):
        raise ValueError("letters, digits and . _ : @ - (at most 128, beginning with a letter or digit)")
    return value


def _home(value: object) -> Path:
    if isinstance(value, Path):
        return value.expanduser().absolute()
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("a folder")
    return Path(value).expanduser().absolute()


def _proxy(value: object) -> str:
    """A URL with host and port, or ``env``; the value may hold a password, so no message repeats it."""
    text = value.strip() if isinstance(value, str) else ""
    if text.lower() == "env":
        return "env"
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and text.isprintable()
    except ValueError:
        good = False
    if not good or " " in text:
        raise ValueError("the address of an HTTP proxy, such as http://proxy.example.com:3128, or env")
    return text


_NAME = _text(r"[\x21-\x7e]{1,2048}", "a name without spaces")

SPECS: tuple[Spec, ...] = (
    Spec("home", _home, in_file=False),
    Spec("storage", _text(r"local|aws", "local or aws"), "local"),
    Spec("table", _text(r"[A-Za-z0-9_.-]{3,255}", "a DynamoDB table name"), "mls-listings"),
    Spec("bucket", _text(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "an S3 bucket name")),
    Spec("user", _user, "local"),
    Spec("user_pool_id", _text(r"[\w-]{1,55}", "a Cognito user pool id, like eu-west-1_AbCdEf123")),
    Spec("user_pool_client_id", _text(r"\w{1,128}", "the id of a Cognito app client")),
    Spec("identity_pool_id", _text(r"[\w-]+:[0-9A-Za-z-]+", "a Cognito identity pool id, like eu-west-1:1234abcd-…")),
    Spec("kms_key_id", _NAME),
    Spec("log_group", _text(r"[A-Za-z0-9_/.#-]{1,512}", "a CloudWatch Logs group name")),
    Spec("allow_private_hosts", _flag, False),
    Spec("proxy", _proxy, secret=True),
    Spec("ca_bundle", _text(r"[^\x00-\x1f]{1,4096}", "the path of a file of PEM certificates")),
    Spec("read_only", _flag, False),
    Spec("photos", _text(r"auto|kitty|sixel|blocks|off", "auto, kitty, sixel, blocks or off"), "auto"),
    Spec("theme", _text(r"[A-Za-z0-9_-]{1,64}", "the name of a theme")),
    Spec("keys", _keymap, None),
    Spec("listings_in_flight", _number(1, 256), 16),
    Spec("photos_in_flight", _number(1, 256), 32),
    Spec("webp_variants", _widths, ()),
    Spec("queue_prefix", _text(r"[A-Za-z0-9_-]{1,60}", "letters, digits, - and _, at most 60"), "mls-tui"),
    Spec("queue_visibility", _number(1, 43200), 120),
    Spec("import_slice", _number(1, 36000), 3600),
    Spec("key", _text(r".{1,4096}", "a key or passphrase in one line"), in_file=False, secret=True),
    Spec("key_previous", _text(r".{1,4096}", "a key or passphrase in one line"), in_file=False, secret=True),
)
BY_NAME = {spec.name: spec for spec in SPECS}
