"""Imports in the background of this machine, with no interface open: a systemd user timer, or a launchd agent.

Both run ``mls-tui import --all`` at an interval. Their files contain no secret: the command reads its configuration
as always.
"""

from __future__ import annotations

import asyncio
import os
import plistlib
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mls_tui.actions.results import ActionResult, action
from mls_tui.config import SPECS, Settings
from mls_tui.domain.errors import MlsTuiError, UsageError
from mls_tui.importer.schedule import parse_interval
from mls_tui.storage.files import write_whole

UNIT = "mls-tui-import"
LABEL = "mls-tui.import"

_PASSED_ON = (
    "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_S3", "AWS_CA_BUNDLE", "SSL_CERT_FILE",
    "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "PYTHON_KEYRING_BACKEND",
)  # fmt: skip
"""Other programs' variables that an import depends on. None is a secret."""


@dataclass(frozen=True, slots=True)
class BackgroundService:
    """What is installed. ``kind``: "systemd", "launchd", or "" for a machine with neither; ``seconds`` is 0 if nothing
    is installed. If ``kind`` is "", ``line`` is what the user has to install."""

    kind: str
    seconds: int = 0
    files: tuple[Path, ...] = ()
    line: str = ""

    @property
    def installed(self) -> bool:
        return self.seconds > 0

    @property
    def every(self) -> str:
        """The interval in words, such as "15 minutes"."""
        for seconds, word in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
            if self.seconds % seconds == 0:
                count = self.seconds // seconds
                return word if count == 1 else f"{count} {word}s"
        return f"{self.seconds} seconds"


@action
async def install_service(settings: Settings, every: str = "15m") -> ActionResult[BackgroundService]:
    """Import every connection at an interval from now on. Idempotent."""
    seconds = round(parse_interval(every))
    return await asyncio.to_thread(_install, settings, seconds)


@action
async def service_status() -> ActionResult[BackgroundService]:
    """What is installed, read from its files."""
    found = await asyncio.to_thread(_status)
    if found.installed:
        return ActionResult(True, f"Every connection is imported every {found.every}, by {found.kind}.", found)
    return ActionResult(True, "No background service is installed: `mls-tui service install` installs it.", found)


@action
async def remove_service() -> ActionResult[BackgroundService]:
    """Stop the service and delete its files."""
    return await asyncio.to_thread(_remove)


def _install(settings: Settings, seconds: int) -> ActionResult[BackgroundService]:
    kind, variables = _kind(), _variables(settings, os.environ)
    if not kind:
        service = BackgroundService("", line=_line(variables, seconds))
        text = "This machine has neither systemd for users nor launchd. Give this line to its scheduler:"
        return ActionResult(True, text, service)
    files = _systemd_files(variables, seconds) if kind == "systemd" else _launchd_files(variables, seconds)
    service = BackgroundService(kind, seconds, tuple(files))
    if all(path.exists() and path.read_bytes() == body for path, body in files.items()) and _active(kind):
        return ActionResult(True, f"It is installed already: every {service.every}, by {kind}.", service)
    for path, body in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, body, mode=0o600)
    if kind == "systemd":
        _run("systemctl", "--user", "daemon-reload")
        _run("systemctl", "--user", "enable", f"{UNIT}.timer")
        _run("systemctl", "--user", "restart", f"{UNIT}.timer")
    else:
        _run("launchctl", "bootout", f"gui/{os.getuid()}/{LABEL}", check=False)
        _run("launchctl", "bootstrap", f"gui/{os.getuid()}", str(*files))
    return ActionResult(True, f"Every connection is imported every {service.every} from now on, by {kind}.", service)


def _status() -> BackgroundService:
    for kind, path in (("systemd", _units() / f"{UNIT}.timer"), ("launchd", _agent())):
        seconds = _interval(kind, path)
        if seconds:
            files = (path.with_suffix(".service"), path) if kind == "systemd" else (path,)
            return BackgroundService(kind, seconds, files)
    return BackgroundService(_kind())


def _interval(kind: str, path: Path) -> int:
    """The interval in seconds in a service's file; 0 if the file does not exist or is not one of this program."""
    try:
        if kind == "launchd":
            return int(plistlib.loads(path.read_bytes())["StartInterval"])
        return int(path.read_text().partition("OnUnitActiveSec=")[2].split("s", 1)[0])
    except (OSError, ValueError, KeyError, plistlib.InvalidFileException):
        return 0


def _remove() -> ActionResult[BackgroundService]:
    links = _units() / "timers.target.wants" / f"{UNIT}.timer"
    files = [_units() / f"{UNIT}.timer", _units() / f"{UNIT}.service", links, _agent()]
    found = [path for path in files if path.exists() or path.is_symlink()]
    if not found:
        return ActionResult(True, "No background service is installed.", BackgroundService(_kind()))
    kind = "launchd" if _agent() in found else "systemd"
    if kind == "systemd":
        _run("systemctl", "--user", "disable", "--now", f"{UNIT}.timer", check=False)
    else:
        _run("launchctl", "bootout", f"gui/{os.getuid()}/{LABEL}", check=False)
    for path in found:
        path.unlink(missing_ok=True)
    if kind == "systemd":
        _run("systemctl", "--user", "daemon-reload", check=False)
        _run("systemctl", "--user", "reset-failed", f"{UNIT}.service", check=False)
    return ActionResult(True, "The background service is removed.", BackgroundService(_kind()))


def _kind() -> str:
    if sys.platform == "darwin":
        return "launchd"
    if sys.platform == "linux" and shutil.which("systemctl"):
        return "systemd" if _run("systemctl", "--user", "show-environment", check=False) == 0 else ""
    return ""


def _active(kind: str) -> bool:
    if kind == "systemd":
        return _run("systemctl", "--user", "is-active", f"{UNIT}.timer", check=False) == 0
    return _run("launchctl", "print", f"gui/{os.getuid()}/{LABEL}", check=False) == 0


def _run(*command: str, check: bool = True) -> int:
    """Run a command of the system; returns its exit code.

    Raises, if ``check`` is set:
        UsageError: it could not be run.
        ServiceError: it failed; the sentence ends with what it printed.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        if check:
            raise UsageError(f"`{shlex.join(command)}` could not be run: {error}.") from error
        return 1
    if check and done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise ServiceError(f"`{shlex.join(command)}` failed: {said[-1] if said else f'exit code {done.returncode}'}")
    return done.returncode


class ServiceError(MlsTuiError):
    """The machine's own service manager refused."""

    exit_code = 4


def _variables(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables, without secrets, that give the service the configuration of this command."""
    found = {name: environ[name] for name in _PASSED_ON if environ.get(name)}
    for spec in SPECS:
        source = settings.sources.get(spec.name)
        if spec.secret or source not in ("flag", "environment"):
            continue
        value = getattr(settings, spec.name) if source == "flag" else environ.get(spec.variable, "")
        found[spec.variable] = str(int(value)) if isinstance(value, bool) else str(value)
    if settings.home is not None:
        found["MLS_TUI_HOME"] = str(settings.home.absolute())
    return {name: value for name, value in sorted(found.items()) if value.isprintable()}


def _command() -> list[str]:
    return [str(Path(sys.executable).absolute()), "-P", "-m", "mls_tui", "import", "--all"]


def _units() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"


def _agent() -> Path:
    return Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"


def _systemd_files(variables: Mapping[str, str], seconds: int) -> dict[Path, bytes]:
    environment = "".join(f"Environment={_quoted(f'{name}={value}')}\n" for name, value in variables.items())
    command = " ".join(_quoted(word).replace("$", "$$") for word in _command())
    service = (
        "[Unit]\nDescription=Import MLS listings (mls-tui)\nDocumentation=man:mls-tui(1)\n\n"
        f"[Service]\nType=oneshot\n{environment}ExecStart={command}\nNice=5\nTimeoutStopSec=10\n"
    )
    timer = (
        "[Unit]\nDescription=Import MLS listings at an interval (mls-tui)\n\n"
        f"[Timer]\nOnActiveSec=60s\nOnStartupSec=120s\nOnUnitActiveSec={seconds}s\nAccuracySec=30s\n\n"
        "[Install]\nWantedBy=timers.target\n"
    )
    return {_units() / f"{UNIT}.service": service.encode(), _units() / f"{UNIT}.timer": timer.encode()}


def _quoted(text: str) -> str:
    """One word of a unit file (systemd.syntax(7), systemd.unit(5): ``%`` begins a specifier)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _launchd_files(variables: Mapping[str, str], seconds: int) -> dict[Path, bytes]:
    document = {
        "Label": LABEL,
        "ProgramArguments": _command(),
        "EnvironmentVariables": dict(variables),
        "StartInterval": seconds,
        "RunAtLoad": True,
        "ProcessType": "Background",
        "StandardOutPath": "/dev/null",
        "StandardErrorPath": "/dev/null",
    }
    return {_agent(): plistlib.dumps(document)}


def _line(variables: Mapping[str, str], seconds: int) -> str:
    """A line for cron, or for Windows a call of schtasks."""
    if os.name == "nt":
        command = subprocess.list2cmdline(_command())
        minutes = min(max(1, seconds // 60), 1439)
        return (
            f'schtasks /create /tn {UNIT} /sc minute /mo {minutes} /tr "{command.replace(chr(34), chr(92) + chr(34))}"'
        )
    words = [*(f"{name}={value}" for name, value in variables.items()), *_command()]
    command = shlex.join(["env", *words] if variables else words).replace("%", r"\%")
    minutes = max(1, seconds // 60)
    when = f"*/{minutes} * * * *" if minutes < 60 else f"0 */{min(minutes // 60, 23)} * * *"
    return f"{when} {command}"
