"""The effective configuration: flags, then ``MLS_TUI_*``, then config.toml, then defaults (CONTRACT: "Configuration").

Must stay cheap to import (no boto3, httpx, pydantic, textual) and never holds AWS credentials: those are boto3's own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from mls_tui.config_values import BY_NAME, SPECS, Spec
from mls_tui.domain.errors import UsageError

APP = "mls-tui"


class Effective(NamedTuple):
    """One line of ``mls-tui info``. ``source``: ``flag``, ``environment``, ``file`` or ``default``."""

    name: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What the program runs with; built by ``load_settings``. ``home`` None means the XDG folders.

    ``config_path`` is a file, ``data_path``, ``state_path`` and ``cache_path`` are folders that may not exist yet.
    ``webp_variants`` are widths in pixels, none by default. ``queue_prefix`` begins the SQS queues' names, and
    ``queue_visibility`` is how many seconds a worker has a message without a heartbeat, and ``import_slice`` after how
    many a worker saves an import and queues the rest of it. ``key`` is the user's own
    encryption key, ``key_previous`` the one before it, for reading.
    """

    config_path: Path
    data_path: Path
    state_path: Path
    cache_path: Path
    home: Path | None = None
    storage: str = "local"
    table: str = "mls-listings"
    bucket: str | None = None
    user: str = "local"
    user_pool_id: str | None = None
    user_pool_client_id: str | None = None
    identity_pool_id: str | None = None
    kms_key_id: str | None = None
    log_group: str | None = None
    allow_private_hosts: bool = False
    proxy: str | None = field(default=None, repr=False)
    ca_bundle: str | None = None
    read_only: bool = False
    photos: str = "auto"
    theme: str | None = None
    keymap: Mapping[str, str] = field(default_factory=dict, hash=False)
    listings_in_flight: int = 16
    photos_in_flight: int = 32
    webp_variants: tuple[int, ...] = ()
    queue_prefix: str = "mls-tui"
    queue_visibility: int = 120
    import_slice: int = 3600
    key: str | None = field(default=None, repr=False)
    key_previous: str | None = field(default=None, repr=False)
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
        """The file of encryption keys, in a folder of its own, apart from the data they open."""
        return self.state_path / "keys" / "keys.json"

    @property
    def session_path(self) -> Path:
        """Where a Cognito session is kept, encrypted."""
        return self.state_path / "session"


def load_settings(environ: Mapping[str, str] | None = None, **flags: object) -> Settings:
    """The effective settings. A flag that is None, and a variable that is empty, count as not given.

    Raises:
        UsageError: a value or a name that cannot be; the sentence names the flag, variable or file.
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
    home = _parsed(BY_NAME["home"], chosen.get("home"))
    folders = _folders(home if isinstance(home, Path) else None, env)
    for name, value in read_file(folders["config_path"]).items():
        chosen.setdefault(name, (value, "file", str(folders["config_path"])))
    values: dict[str, Any] = {spec.name: _parsed(spec, chosen.get(spec.name)) for spec in SPECS}
    values["keymap"] = values.pop("keys") or {}
    sources = {name: source for name, (_, source, _) in chosen.items()}
    settings = Settings(**folders, **values, sources=sources)
    _check(settings)
    return settings


def _parsed(spec: Spec, given: tuple[object, str, str] | None) -> object:
    if given is None:
        return spec.default
    value, _, where = given
    try:
        return spec.parse(value)
    except ValueError as wanted:
        shown = "" if spec.secret else f" {str(value)[:80]!r}"
        raise UsageError(f"{where} has a value{shown} that cannot be used for {spec.name}: write {wanted}.") from None


def _folders(home: Path | None, env: Mapping[str, str]) -> dict[str, Any]:
    if home is not None:
        return {
            "config_path": home / "config.toml",
            "data_path": home / "data",
            "state_path": home / "state",
            "cache_path": home / "cache",
        }
    import platformdirs

    def folder(variable: str, fallback: str) -> Path:
        given = env.get(variable, "")
        return Path(given) / APP if Path(given).is_absolute() else Path(fallback)

    dirs = platformdirs.PlatformDirs(APP, appauthor=False)
    return {
        "config_path": folder("XDG_CONFIG_HOME", dirs.user_config_dir) / "config.toml",
        "data_path": folder("XDG_DATA_HOME", dirs.user_data_dir),
        "state_path": folder("XDG_STATE_HOME", dirs.user_state_dir),
        "cache_path": folder("XDG_CACHE_HOME", dirs.user_cache_dir),
    }


def read_file(path: Path) -> dict[str, Any]:
    """The settings of a config.toml by name; empty where there is no file. Raises UsageError naming the file."""
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The configuration file {path} cannot be read: {error}.") from None
    import tomllib

    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"The configuration file {path} is not valid TOML: {error}. Mend it or remove it.") from None
    for name in found:
        spec = BY_NAME.get(name)
        if spec is None:
            known = ", ".join(spec.name for spec in SPECS if spec.in_file)
            raise UsageError(f"The configuration file {path} has an unknown setting {name!r}. Known are: {known}.")
        if not spec.in_file:
            raise UsageError(f"{name!r} cannot stand in the configuration file {path}: use {spec.variable} instead.")
    return found


def _check(settings: Settings) -> None:
    """What no single value can tell."""
    if settings.storage == "aws" and settings.bucket is None:
        raise UsageError("Storage is aws, but no bucket is named: set MLS_TUI_BUCKET to the S3 bucket for photos.")
    if settings.user_pool_id and not settings.user_pool_client_id:
        raise UsageError("A Cognito user pool is set without its app client: set MLS_TUI_USER_POOL_CLIENT_ID as well.")
    if settings.identity_pool_id and not settings.user_pool_id:
        raise UsageError("A Cognito identity pool is set without a user pool: set MLS_TUI_USER_POOL_ID as well.")


def effective(settings: Settings) -> list[Effective]:
    """Every setting with its value as text and where it came from; secrets are masked."""
    rows = []
    for spec in SPECS:
        value = settings.keymap if spec.name == "keys" else getattr(settings, spec.name)
        rows.append(Effective(spec.name, _shown(spec, value), settings.sources.get(spec.name, "default")))
    return rows


def without_credentials(url: str) -> str:
    """A proxy's address as it may be shown."""
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
