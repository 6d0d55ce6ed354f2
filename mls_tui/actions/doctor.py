"""``storage init``, ``storage check`` and ``doctor``: create and check the storage, and check this machine, AWS and a
provider."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mls_tui.actions.connections import find_connection
from mls_tui.actions.connector import clear_secrets, connected
from mls_tui.actions.results import ActionResult, action, opened
from mls_tui.actions.workers import import_queue
from mls_tui.actions.workspace import Workspace
from mls_tui.config import Settings, without_credentials
from mls_tui.domain.errors import MlsTuiError, UsageError, sentence
from mls_tui.domain.keys import CONNECTION_PREFIX, LISTING_PREFIX, RUN_PREFIX
from mls_tui.domain.wording import plural
from mls_tui.importer.cleanup import audit_photos
from mls_tui.log import printable
from mls_tui.storage.base import Check
from mls_tui.storage.files import shared

if TYPE_CHECKING:
    from mls_tui.storage.base import ListingStore, PhotoStore
    from mls_tui.users.base import UserSource
    from mls_tui.vault.secrets import Vault


@action
async def init_storage(workspace: Workspace | None = None, *, distributed: bool = False) -> ActionResult[list[Check]]:
    """Create table, index, bucket and their protections, or the embedded store's file and folder; idempotent.

    ``distributed`` makes the workers' queues as well.
    """
    async with opened(workspace) as ws:
        ws.writable()
        async with AsyncExitStack() as stack:
            # First, as it refuses local storage before anything is created.
            queue = await stack.enter_async_context(import_queue(ws)) if distributed else None
            checks = [*await ws.store.init(), *await ws.photos.init()]
            if queue is not None:
                checks += await queue.init()
        answer = _checks_answer(checks)
        return answer if answer.success else replace(answer, exit_code=1)


@action
async def check_storage(
    workspace: Workspace | None = None, *, photos: bool = False, repair: bool = False, distributed: bool = False
) -> ActionResult[list[Check]]:
    """Check the storage.

    ``photos`` reads every stored photo. ``repair`` deletes orphans and damaged photos; the next import fetches damaged
    photos again. ``distributed`` checks the workers' queues as well.
    """
    async with opened(workspace) as ws:
        if repair:
            ws.writable()
        if repair and not photos:
            raise UsageError("--repair needs --photos: it repairs what the check of photos finds.")
        async with AsyncExitStack() as stack:
            queue = await stack.enter_async_context(import_queue(ws)) if distributed else None
            checks = [*await ws.store.check(), *await ws.photos.check()]
            if queue is not None:
                checks += await queue.check()
        if checks[0].state == "ok":  # there is a database or a table
            checks += await _damaged_rows(ws, (LISTING_PREFIX, CONNECTION_PREFIX, RUN_PREFIX))
        if photos:
            checks += await audit_photos(ws.store, ws.photos, ws.user_id, repair=repair)
        return _checks_answer(checks)


@action
async def run_doctor(workspace: Workspace | None = None, connection: str | None = None) -> ActionResult[list[Check]]:
    """Check this machine, AWS and, if a connection is named, its provider."""
    from mls_tui.reso.presets import for_connection, preset, settings_of
    from mls_tui.reso.probe import probe, settings_checks

    async with opened(workspace) as ws:
        checks = await diagnose(ws.settings, users=ws.users, vault=ws.vault, store=ws.store, photos=ws.photos)
        if ws.settings.storage == "local" and not await _has_photos(ws):
            checks = [_skipped_if_missing(check) for check in checks]
        found = await find_connection(ws, connection) if connection is not None else None
        secrets = await _secrets(ws)
        checks += secrets.values()
        if "" not in secrets and _has_rows(ws.settings):
            # On AWS, reading every listing takes minutes and costs money; `storage check` does.
            prefixes = (LISTING_PREFIX,) if ws.settings.storage == "local" else ()
            checks += await _damaged_rows(ws, (*prefixes, CONNECTION_PREFIX, RUN_PREFIX))
        if found is not None and secrets[found.connection_id].state == "ok":
            settings = settings_of(found)
            checks += settings_checks(preset(found.provider), settings)
            own_proxy = for_connection(found).proxy
            checks += proxy_checks(own_proxy) if own_proxy not in (None, "direct") else []
            async with connected(ws, found) as connector:
                checks += await probe(connector, [setting.name for setting in settings if setting.mine])
        return _checks_answer(checks)


async def _secrets(ws: Workspace) -> dict[str, Check]:
    """By connection id: whether its secrets can be decrypted. Creates no database."""
    if not _has_rows(ws.settings):
        return {}
    try:
        connections = await ws.store.connections(ws.user_id)
    except MlsTuiError as error:
        return {"": Check("connections", "failure", sentence(error))}
    checks = {}
    for each in connections:
        name = f"secrets of {each.name}"
        try:
            await clear_secrets(ws, each)
        except MlsTuiError as error:
            checks[each.connection_id] = Check(name, "failure", sentence(error))
        else:
            checks[each.connection_id] = Check(name, "ok", "can be read" if each.secrets else "there are none")
    return checks


def _has_rows(settings: Settings) -> bool:
    """Whether there may be rows, so that looking for some makes no database."""
    return settings.storage != "local" or settings.database_path.exists()


async def _damaged_rows(ws: Workspace, prefixes: Sequence[str]) -> list[Check]:
    """A failure that names the rows under these prefixes that cannot be read; nothing if all can be."""
    try:
        damaged = [sk for prefix in prefixes for sk in await ws.store.unreadable(ws.user_id, prefix)]
    except MlsTuiError as error:
        return [Check("stored rows", "failure", sentence(error))]
    if not damaged:
        return []
    named = ", ".join(printable(sk)[:80] for sk in damaged[:3]) + (" …" if len(damaged) > 3 else "")
    advice = (
        "If a newer mls-tui wrote them, upgrade. Else delete those listings by their ids, remove those connections and "
        "add them again; damaged runs are only missing from the history."
    )
    return [Check("stored rows", "failure", f"{plural(len(damaged), 'row')} cannot be read: {named}", advice)]


async def _has_photos(ws: Workspace) -> bool:
    if not _has_rows(ws.settings):
        return False
    try:
        return any(run.counts.photos_stored for run in await ws.store.runs(ws.user_id, limit=200))
    except MlsTuiError:
        return True  # the check of the store reports it


def _skipped_if_missing(check: Check) -> Check:
    """Not a failure before the first photo is stored: the import creates the folder."""
    if check.state != "failure" or not check.detail.endswith("does not exist"):
        return check
    return Check(check.name, "skipped", f"{check.detail} yet: the first import with photos creates it")


def _checks_answer(checks: Sequence[Check]) -> ActionResult[list[Check]]:
    failures = sum(1 for check in checks if check.state == "failure")
    text = f"{failures} of {len(checks)} checks failed" if failures else f"{len(checks)} checks, none failed"
    return ActionResult(not failures, text, list(checks), exit_code=4 if failures else 0)


LOW_DISK_BYTES = 1_000_000_000
SKEW_WARNING_SECONDS = 60
SKEW_FAILURE_SECONDS = 300
"""AWS refuses requests whose clock is more than 5 (DynamoDB, STS) or 15 minutes (S3) off."""


async def diagnose(
    settings: Settings,
    *,
    users: UserSource | None = None,
    vault: Vault | None = None,
    store: ListingStore | None = None,
    photos: PhotoStore | None = None,
    sts: Any = None,
) -> list[Check]:
    """The checks of these parts. ``sts`` is a boto3 client, made if absent.

    A part that raises an error is a line with a failure; the other checks go on.
    """
    checks = await asyncio.to_thread(local_checks, settings)
    if users is not None:
        checks += await asyncio.to_thread(_or_failure, "sign-in", lambda: [_user(users)])
    if vault is not None:
        checks += await asyncio.to_thread(_or_failure, "secret key", lambda: [vault.check()])
    if settings.storage == "aws":
        checks += await asyncio.to_thread(aws_checks, sts, _now)
    for name, part in (("listings", store), ("photos", photos)):
        if part is not None:
            try:
                checks += await part.check()
            except Exception as error:  # of any type: the other checks go on
                checks.append(Check(name, "failure", sentence(error)))
    return checks


def local_checks(settings: Settings) -> list[Check]:
    """Configuration, folders and disk. May block."""
    given = sorted(f"{name} ({source})" for name, source in settings.sources.items())
    where = f"{settings.config_path}" if settings.config_path.exists() else f"no file at {settings.config_path}"
    checks = [Check("configuration", "ok", f"{where}; set: {', '.join(given) or 'nothing'}")]
    folders = {"state folder": settings.state_path, "configuration folder": settings.config_path.parent}
    if settings.storage == "local":
        folders = {"data folder": settings.data_path, **folders}
    checks += [_folder(name, path) for name, path in folders.items()]
    checks.append(_permissions(settings))
    checks.append(_disk(settings.data_path if settings.storage == "local" else settings.state_path))
    checks += proxy_checks(settings.proxy) + _certificates(settings)
    if settings.allow_private_hosts:
        advice = "Unset MLS_TUI_ALLOW_PRIVATE_HOSTS outside tests: feed addresses may reach this network."
        checks.append(Check("private hosts", "warning", "MLS and photo addresses may point into this network", advice))
    return checks


def _permissions(settings: Settings) -> Check:
    """Whether other users of this machine can change the program's files, or read its folders."""
    folders = [settings.state_path, settings.cache_path, settings.key_path.parent, settings.log_path.parent]
    if settings.storage == "local":
        folders.insert(0, settings.data_path)
    files = [settings.config_path, settings.key_path, settings.session_path, settings.database_path]
    for path in (*folders, *files):
        if (problem := shared(path)) is not None:
            detail, _, advice = problem.partition(". ")
            return Check("permissions", "failure", detail, advice)
    if settings.log_path.is_symlink():
        detail = f"the log {settings.log_path} is a symbolic link, so nothing is written to it"
        return Check("permissions", "failure", detail, f"rm {settings.log_path}")
    open_ones = [path for path in folders if os.name == "posix" and path.exists() and path.stat().st_mode & 0o077]
    if open_ones:
        names = " ".join(shlex.quote(str(path)) for path in open_ones)
        return Check("permissions", "warning", "other users can look into the program's folders", f"chmod 700 {names}")
    return Check("permissions", "ok", "only you can change the program's files")


def proxy_checks(setting: str | None) -> list[Check]:
    """A line about the proxy that is used, or about one in the environment that is not; empty if there is none."""
    from mls_tui.reso.transport import USE_ENVIRONMENT, Proxies

    checks = []
    try:
        proxies = Proxies(setting)
        unused = proxies.unused("https", "") or proxies.unused("http", "")
        if unused is not None:
            checks.append(Check("proxy", "warning", f"{unused} is set but not used", f"To use it, {USE_ENVIRONMENT}."))
        elif proxies.hosts:
            where = without_credentials(setting or "") if setting != "env" else ", ".join(proxies.hosts)
            checks.append(
                Check(
                    "proxy",
                    "ok",
                    f"MLS requests and photos go through {where}. The proxy resolves their host names, so private "
                    "addresses are refused only where a URL spells them out, not where a name leads to them",
                )
            )
    except UsageError as error:
        checks.append(Check("proxy", "failure", sentence(error)))
    return checks


def _certificates(settings: Settings) -> list[Check]:
    from mls_tui.reso.transport import tls_context

    checks = []
    try:
        tls_context(settings.ca_bundle)
        if settings.ca_bundle or os.environ.get("SSL_CERT_FILE"):
            names = [name for name in (settings.ca_bundle, os.environ.get("SSL_CERT_FILE")) if name]
            checks.append(Check("certificates", "ok", f"trusts those in {' and '.join(names)}"))
    except UsageError as error:
        checks.append(Check("certificates", "failure", sentence(error)))
    return checks


def aws_checks(sts: Any = None, now: Callable[[], datetime] | None = None) -> list[Check]:
    """Region, identity and clock, by one call of STS. Blocking."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

    from mls_tui.storage.aws import new_client

    try:
        client = sts if sts is not None else new_client("sts")
        answer = client.get_caller_identity()
    except NoRegionError:
        return [Check("AWS region", "failure", "none is set", "Set AWS_REGION, or region in ~/.aws/config.")]
    except NoCredentialsError:
        advice = "Set AWS_PROFILE, or run aws configure or aws sso login."
        return [Check("AWS identity", "failure", "no credentials were found", advice)]
    except ClientError as error:
        return _refused(error.response, now or _now)
    except BotoCoreError as error:
        advice = "Check the network, AWS_REGION and AWS_ENDPOINT_URL."
        return [Check("AWS identity", "failure", f"AWS could not be reached ({type(error).__name__})", advice)]
    checks = [
        Check("AWS region", "ok", client.meta.region_name),
        Check("AWS identity", "ok", f"{answer['Arn']} in account {answer['Account']}"),
    ]
    return checks + _skew(answer, now or _now)


def _refused(answer: Any, now: Callable[[], datetime]) -> list[Check]:
    code = answer.get("Error", {}).get("Code", "unknown error")
    advice = "Renew the credentials: they have expired or are not valid (aws sso login, AWS_PROFILE)."
    return [Check("AWS identity", "failure", f"AWS refused the credentials ({code})", advice), *_skew(answer, now)]


def _skew(answer: dict[str, Any], now: Callable[[], datetime]) -> list[Check]:
    """This machine's clock against the Date header of AWS's answer."""
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    try:
        theirs = parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return []
    seconds = round((now() - theirs.astimezone(UTC)).total_seconds())
    detail = f"{abs(seconds)} s {'ahead of' if seconds > 0 else 'behind'} AWS" if seconds else "agrees with AWS"
    advice = "Set this machine's clock (NTP): AWS refuses requests from a clock that is minutes off."
    if abs(seconds) >= SKEW_FAILURE_SECONDS:
        return [Check("clock", "failure", detail, advice)]
    if abs(seconds) >= SKEW_WARNING_SECONDS:
        return [Check("clock", "warning", detail, advice)]
    return [Check("clock", "ok", detail)]


def _user(users: UserSource) -> Check:
    user = users.current()
    if user is None:
        return Check("sign-in", "failure", "nobody is signed in", "Run mls-tui sign-in.")
    return Check("sign-in", "ok", f"{user.name or user.user_id} ({user.user_id})")


def _or_failure(name: str, look: Callable[[], list[Check]]) -> list[Check]:
    try:
        return look()
    except MlsTuiError as error:
        return [Check(name, "failure", sentence(error))]


def _folder(name: str, path: Path) -> Check:
    """Whether the folder can be written to, or created in the nearest parent that exists."""
    existing = _existing(path)
    if not existing.is_dir():
        return Check(name, "failure", f"{existing} is a file, not a folder", "Move it, or set MLS_TUI_HOME.")
    if not os.access(existing, os.W_OK | os.X_OK):
        return Check(name, "failure", f"{existing} cannot be written", f"chmod u+w {existing}, or set MLS_TUI_HOME.")
    return Check(name, "ok", f"{path}" if existing == path else f"{path}, will be made")


def _disk(path: Path) -> Check:
    free = shutil.disk_usage(_existing(path)).free
    detail = f"{free / 1e9:.1f} GB free at {path}"
    if free < LOW_DISK_BYTES:
        return Check("disk", "warning", detail, "Make room: photos take about 200 KB each.")
    return Check("disk", "ok", detail)


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _now() -> datetime:
    return datetime.now(UTC)
