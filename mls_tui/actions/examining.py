"""Look after the house: create and check storage, verify photos, examine a provider."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from mls_tui.actions.answering import answering, opened
from mls_tui.actions.connections import find_connection
from mls_tui.actions.distributed import import_queue
from mls_tui.actions.results import ActionResult
from mls_tui.actions.session import clear_secrets, connected
from mls_tui.actions.workspace import Workspace
from mls_tui.domain.errors import MlsTuiError, UsageError, sentence
from mls_tui.importer.cleanup import audit_photos
from mls_tui.storage.base import Check


@answering
async def init_storage(workspace: Workspace | None = None, *, distributed: bool = False) -> ActionResult[list[Check]]:
    """Create table, index, bucket and their protections, or the embedded store's file and folder; idempotent.

    ``distributed`` makes the workers' queues as well.
    """
    async with opened(workspace) as ws:
        ws.writable()
        async with AsyncExitStack() as stack:
            # First, so that a store which machines cannot share is refused before anything is made.
            queue = await stack.enter_async_context(import_queue(ws)) if distributed else None
            checks = [*await ws.store.init(), *await ws.photos.init()]
            if queue is not None:
                checks += await queue.init()
        answer = _answer(checks)
        return answer if answer.success else replace(answer, exit_code=1)


@answering
async def check_storage(
    workspace: Workspace | None = None, *, photos: bool = False, repair: bool = False, distributed: bool = False
) -> ActionResult[list[Check]]:
    """Say what is missing. ``photos`` reads every stored photo; ``repair`` deletes orphans and marks the damaged;
    ``distributed`` checks the workers' queues as well."""
    async with opened(workspace) as ws:
        if repair:
            ws.writable()
        if repair and not photos:
            raise UsageError("--repair needs --photos: it mends what the photo check finds.")
        async with AsyncExitStack() as stack:
            queue = await stack.enter_async_context(import_queue(ws)) if distributed else None
            checks = [*await ws.store.check(), *await ws.photos.check()]
            if queue is not None:
                checks += await queue.check()
        if photos:
            checks += await audit_photos(ws.store, ws.photos, ws.user_id, repair=repair)
        return _answer(checks)


@answering
async def examine(workspace: Workspace | None = None, connection: str | None = None) -> ActionResult[list[Check]]:
    """The doctor: this machine, AWS and, where one is named, a connection's provider."""
    from mls_tui.actions.doctor import diagnose, proxy_checks
    from mls_tui.reso.presets import for_connection, preset, settings_of
    from mls_tui.reso.probe import probe, settings_checks

    async with opened(workspace) as ws:
        checks = await diagnose(ws.settings, users=ws.users, vault=ws.vault, store=ws.store, photos=ws.photos)
        if ws.settings.storage == "local" and not await _has_photos(ws):
            checks = [_made_later(check) for check in checks]
        found = await find_connection(ws, connection) if connection is not None else None
        secrets = await _secrets(ws)
        checks += secrets.values()
        if found is not None and secrets[found.connection_id].state == "ok":
            settings = settings_of(found)
            checks += settings_checks(preset(found.provider), settings)
            own_proxy = for_connection(found).proxy
            checks += proxy_checks(own_proxy) if own_proxy not in (None, "direct") else []
            async with connected(ws, found) as connector:
                checks += await probe(connector, [setting.name for setting in settings if setting.mine])
        return _answer(checks)


async def _secrets(ws: Workspace) -> dict[str, Check]:
    """Whether the secrets of each connection can be decrypted, by connection id. Makes no database."""
    if ws.settings.storage == "local" and not ws.settings.database_path.exists():
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


async def _has_photos(ws: Workspace) -> bool:
    if not ws.settings.database_path.exists():
        return False
    try:
        return any(run.counts.photos_stored for run in await ws.store.runs(ws.user_id, limit=200))
    except MlsTuiError:
        return True  # what is wrong with the store has a line of its own


def _made_later(check: Check) -> Check:
    """What an import makes by itself is not missing before one stored a photo."""
    if check.state != "failure" or not check.detail.endswith("does not exist"):
        return check
    return Check(check.name, "skipped", f"{check.detail} yet: the first import with photos makes it")


def _answer(checks: Sequence[Check]) -> ActionResult[list[Check]]:
    failures = sum(1 for check in checks if check.state == "failure")
    text = f"{failures} of {len(checks)} checks failed" if failures else f"{len(checks)} checks, none failed"
    return ActionResult(not failures, text, list(checks), exit_code=4 if failures else 0)
