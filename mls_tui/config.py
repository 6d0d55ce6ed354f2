"""The effective configuration: flags, then ``MLS_TUI_*``, then config.toml, then defaults (docs/contract.md,
section Configuration). To add a setting, add a field to ``Settings``.

Every command imports this module, so it imports nothing large (boto3, httpx, pydantic, textual).
"""

from __future__ import annotations

import difflib
import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from mls_tui.domain.errors import UsageError
from mls_tui.domain.keys import valid_user_id

APP = "mls-tui"
PREFIX = "MLS_TUI_"
MIN_KEY_CHARACTERS = 16
_MAX_FILE_BYTES = 1_000_000


class Spec(NamedTuple):
    """A setting. ``parse`` gets text or a TOML value; its ValueError says what is expected."""

    name: str
    parse: Callable[[object], object]
    default: object = None
    in_file: bool = True
    secret: bool = False
    field: str = ""

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


def _boolean(value: object) -> bool:
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
        number = int(value) if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,9}\s*", value) else value
        if not isinstance(number, int) or isinstance(number, bool) or not low <= number <= high:
            raise ValueError(wanted)
        return number

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
    if not isinstance(value, str | Path) or "\0" in str(value):
        raise ValueError("a folder")
    try:
        return Path(value).expanduser().absolute()
    except RuntimeError:
        raise ValueError("a folder without ~, as this user has no home") from None


def _key(value: object) -> str:
    text = _text(r".{1,4096}", "a key or passphrase in one line")(value)
    if len(text) < MIN_KEY_CHARACTERS:
        raise ValueError(f"at least {MIN_KEY_CHARACTERS} characters, best the output of: openssl rand -hex 32")
    return text


def _proxy(value: object) -> str:
    """The URL of a proxy, or ``env``. The value may contain a password, so no message repeats it."""
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


def _setting(
    parse: Callable[[object], object],
    default: Any = None,
    *,
    name: str = "",
    in_file: bool = True,
    secret: bool = False,
) -> Any:
    metadata = {"parse": parse, "name": name, "in_file": in_file, "secret": secret}
    if isinstance(default, dict):
        return field(default_factory=dict, hash=False, metadata=metadata)
    return field(default=default, repr=not secret, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Settings:
    """The effective settings, made by ``load_settings``.

    ``config_path`` is a file; ``data_path``, ``state_path`` and ``cache_path`` are folders. None has to exist.
    """

    config_path: Path
    data_path: Path
    state_path: Path
    cache_path: Path
    home: Path | None = _setting(_home, in_file=False)  # noqa: RUF009 - a field
    """The folder for all files of the program; None means the XDG folders."""
    storage: str = _setting(_text(r"local|aws", "local or aws"), "local")
    table: str = _setting(_text(r"[A-Za-z0-9_.-]{3,255}", "a DynamoDB table name"), "mls-listings")
    bucket: str | None = _setting(_text(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "an S3 bucket name"))
    user: str = _setting(_user, "local")
    user_pool_id: str | None = _setting(_text(r"[\w-]{1,55}", "a Cognito user pool id, like eu-west-1_AbCdEf123"))
    user_pool_client_id: str | None = _setting(_text(r"\w{1,128}", "the id of a Cognito app client"))
    identity_pool_id: str | None = _setting(
        _text(r"[\w-]+:[0-9A-Za-z-]+", "a Cognito identity pool id, like eu-west-1:1234abcd-…")
    )
    kms_key_id: str | None = _setting(_NAME)
    log_group: str | None = _setting(_text(r"[A-Za-z0-9_/.#-]{1,512}", "a CloudWatch Logs group name"))
    allow_private_hosts: bool = _setting(_boolean, False)
    proxy: str | None = _setting(_proxy, secret=True)
    ca_bundle: str | None = _setting(_text(r"[^\x00-\x1f]{1,4096}", "the path of a file of PEM certificates"))
    read_only: bool = _setting(_boolean, False)
    photos: str = _setting(_text(r"auto|kitty|sixel|blocks|off", "auto, kitty, sixel, blocks or off"), "auto")
    theme: str | None = _setting(_text(r"[A-Za-z0-9_-]{1,64}", "the name of a theme"))
    keymap: Mapping[str, str] = _setting(_keymap, {}, name="keys")
    listings_in_flight: int = _setting(_number(1, 256), 16)
    photos_in_flight: int = _setting(_number(1, 256), 32)
    webp_variants: tuple[int, ...] = _setting(_widths, ())
    """Widths in pixels of smaller copies of each photo."""
    queue_prefix: str = _setting(_text(r"[A-Za-z0-9_-]{1,60}", "letters, digits, - and _, at most 60"), "mls-tui")
    queue_visibility: int = _setting(_number(1, 43200), 120)
    """Seconds after which SQS delivers a worker's message again if it sends no heartbeat."""
    import_slice: int = _setting(_number(1, 36000), 3600)
    """Seconds after which a worker saves an import and queues the rest of it."""
    key: str | None = _setting(_key, in_file=False, secret=True)
    """The user's own encryption key; ``key_previous`` decrypts what the key before it encrypted."""
    key_previous: str | None = _setting(
        _text(r".{1,4096}", "a key or passphrase in one line"), in_file=False, secret=True
    )
    sources: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def database_path(self) -> Path:
        return self.data_path / "mls-tui.db"

    @property
    def photos_path(self) -> Path:
        """The folder of the embedded photo store."""
        return self.data_path / "photos"

    @property
    def log_path(self) -> Path:
        return self.state_path / "logs" / "mls-tui.jsonl"

    @property
    def key_path(self) -> Path:
        """The file of encryption keys, apart from the data that they encrypt."""
        return self.state_path / "keys" / "keys.json"

    @property
    def session_path(self) -> Path:
        """The encrypted Cognito session."""
        return self.state_path / "session"


SPECS: tuple[Spec, ...] = tuple(
    Spec(
        each.metadata["name"] or each.name,
        each.metadata["parse"],
        None if each.default is MISSING else each.default,
        each.metadata["in_file"],
        each.metadata["secret"],
        each.name,
    )
    for each in fields(Settings)
    if each.metadata
)
BY_NAME = {spec.name: spec for spec in SPECS}


class Effective(NamedTuple):
    """A line of ``mls-tui info``. ``source``: ``flag``, ``environment``, ``file`` or ``default``."""

    name: str
    value: str
    source: str


def load_settings(environ: Mapping[str, str] | None = None, **flags: object) -> Settings:
    """The effective settings. A flag that is None and a variable that is empty are not set.

    Raises:
        UsageError: an unknown setting or a wrong value; the sentence names the flag, variable or file.
    """
    env = os.environ if environ is None else environ
    chosen: dict[str, tuple[object, str, str]] = {}
    for name, value in flags.items():
        if name not in BY_NAME:
            raise UsageError(f"There is no setting {name!r}.")
        if value is not None:
            chosen[name] = (value, "flag", f"--{name.replace('_', '-')}")
    for spec in SPECS:
        text = env.get(spec.variable, "")
        if text and spec.name != "keys":
            chosen.setdefault(spec.name, (text, "environment", spec.variable))
    home = _parsed(BY_NAME["home"], chosen["home"]) if "home" in chosen else None
    folders = _folders(home if isinstance(home, Path) else None, env)
    for name, value in read_file(folders["config_path"]).items():
        chosen.setdefault(name, (value, "file", str(folders["config_path"])))
    values: dict[str, Any] = {spec.field: _parsed(spec, chosen[spec.name]) for spec in SPECS if spec.name in chosen}
    sources = {name: source for name, (_, source, _) in chosen.items()}
    settings = Settings(**folders, **values, sources=sources)
    _check_together(settings)
    return settings


def _parsed(spec: Spec, given: tuple[object, str, str]) -> object:
    value, _, where = given
    try:
        return spec.parse(value)
    except ValueError as wanted:
        shown = "" if spec.secret else f" {_brief(value)!r}"
        raise UsageError(f"{where} has a value{shown} that cannot be used for {spec.name}: write {wanted}.") from None


def _brief(value: object) -> str:
    try:
        return str(value)[:80]
    except (ValueError, RecursionError):  # a number of thousands of digits, or a deep nest
        return "…"


def _folders(home: Path | None, env: Mapping[str, str]) -> dict[str, Any]:
    if home is not None:
        return {
            "config_path": home / "config.toml",
            "data_path": home / "data",
            "state_path": home / "state",
            "cache_path": home / "cache",
        }
    import platformdirs

    dirs = platformdirs.PlatformDirs(APP, appauthor=False)

    def folder(kind: str) -> Path:
        given = Path(env.get(f"XDG_{kind.upper()}_HOME", ""))
        path = given / APP if given.is_absolute() else Path(getattr(dirs, f"user_{kind}_dir"))
        if not path.is_absolute():
            raise RuntimeError
        return path

    try:
        return {
            "config_path": folder("config") / "config.toml",
            "data_path": folder("data"),
            "state_path": folder("state"),
            "cache_path": folder("cache"),
        }
    except RuntimeError:
        raise UsageError(
            "This user has no home folder: HOME is not set, and the system does not know the user. "
            "Set MLS_TUI_HOME to a folder for the files of mls-tui."
        ) from None


def read_file(path: Path) -> dict[str, Any]:
    """The settings in a config.toml by name; empty if there is no file. Raises UsageError that names the file."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise UsageError(f"The configuration {path} is not a regular file: replace it by one, or remove it.")
        with path.open(encoding="utf-8-sig") as stream:
            text = stream.read(_MAX_FILE_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The configuration file {path} cannot be read: {error}.") from None
    import tomllib

    try:
        found = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        plain = {RecursionError: "its values are nested too deep", ValueError: "a number has too many digits"}
        why = plain.get(type(error), error)
        raise UsageError(f"The configuration file {path} is not valid TOML: {why}. Correct it or remove it.") from None
    _check_names(path, found)
    return found


def _check_names(path: Path, found: Mapping[str, Any]) -> None:
    known = [spec.name for spec in SPECS if spec.in_file]
    unknown = [name for name in found if name not in BY_NAME]
    if unknown:
        named = ", ".join(
            f"{name[:80]!r}" + "".join(f" (did you mean {close!r}?)" for close in _close(name, known))
            for name in unknown[:5]
        )
        several = "unknown settings" if len(unknown) > 1 else "an unknown setting"
        raise UsageError(f"The configuration file {path} has {several}: {named}. Known are: {', '.join(known)}.")
    for name in found:
        if not BY_NAME[name].in_file:
            raise UsageError(
                f"{name!r} cannot be set in the configuration file {path}: use {BY_NAME[name].variable} instead."
            )


def _close(name: str, known: list[str]) -> list[str]:
    plain = name.lower().replace("-", "_").removeprefix(PREFIX.lower())
    return difflib.get_close_matches(plain, known, n=1, cutoff=0.6)


def _check_together(settings: Settings) -> None:
    """Check settings that depend on each other."""
    if settings.storage == "aws" and settings.bucket is None:
        raise UsageError("Storage is aws, but no bucket is named: set MLS_TUI_BUCKET to the S3 bucket for photos.")
    if settings.user_pool_id and not settings.user_pool_client_id:
        raise UsageError("A Cognito user pool is set without its app client: set MLS_TUI_USER_POOL_CLIENT_ID as well.")
    if settings.identity_pool_id and not settings.user_pool_id:
        raise UsageError("A Cognito identity pool is set without a user pool: set MLS_TUI_USER_POOL_ID as well.")


def effective(settings: Settings) -> list[Effective]:
    """Every setting with its value as text and where it came from; secrets are masked."""
    return [
        Effective(spec.name, _shown(spec, getattr(settings, spec.field)), settings.sources.get(spec.name, "default"))
        for spec in SPECS
    ]


def without_credentials(url: str) -> str:
    """The URL without user and password."""
    scheme, slashes, rest = url.rpartition("://")
    return f"{scheme}{slashes}{rest.rpartition('@')[2]}"


def _shown(spec: Spec, value: object) -> str:
    if value is None:
        return ""
    if spec.name == "proxy":
        return without_credentials(str(value))
    if spec.secret:
        return "••••••"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {key}" for name, key in value.items())
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)
    return str(value)
