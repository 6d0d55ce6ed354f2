"""What the interface asks of ``mls_tui.actions``, as a protocol, so that tests can lend it actions of their own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mls_tui.actions import (
        ActionResult,
        ConnectionForm,
        ConnectionTest,
        ConnectionView,
        Deletion,
        ImportOptions,
        Preview,
    )
    from mls_tui.actions.service import BackgroundService
    from mls_tui.actions.workspace import Workspace
    from mls_tui.config import Settings
    from mls_tui.domain.connection import Connection
    from mls_tui.domain.events import Event
    from mls_tui.domain.listing import Listing
    from mls_tui.domain.run import ImportRun, Problem
    from mls_tui.importer.options import ImportControl
    from mls_tui.importer.tally import Tally
    from mls_tui.reso.base import Window
    from mls_tui.storage.summaries import Summaries


class ActionsPort(Protocol):
    """The verbs the screens use; ``mls_tui.actions`` says what each does."""

    def get_connections(self, workspace: Workspace | None = None) -> Awaitable[ActionResult[list[ConnectionView]]]: ...

    def connect_mls(
        self, form: ConnectionForm, workspace: Workspace | None = None
    ) -> Awaitable[ActionResult[ConnectionView]]: ...

    def update_connection(
        self, connection_id: str, form: ConnectionForm, workspace: Workspace | None = None
    ) -> Awaitable[ActionResult[ConnectionView]]: ...

    def try_connection(
        self, form: ConnectionForm, workspace: Workspace | None = None, *, connection_id: str | None = None
    ) -> Awaitable[ActionResult[ConnectionTest]]: ...

    def disconnect_mls(
        self, connection_id: str, workspace: Workspace | None = None
    ) -> Awaitable[ActionResult[Connection]]: ...

    def import_events(
        self, connection_id: str, options: ImportOptions, workspace: Workspace, control: ImportControl | None = None
    ) -> AsyncIterator[Event]: ...

    def preview_import(
        self, connection_id: str, options: ImportOptions | None = None, workspace: Workspace | None = None
    ) -> Awaitable[ActionResult[Preview]]: ...

    def retry_events(
        self, run_id: str, workspace: Workspace, control: ImportControl | None = None
    ) -> AsyncIterator[Event]: ...

    def follow_run(self, run_id: str, workspace: Workspace) -> AsyncGenerator[Tally, None]: ...

    def steer_run(
        self, run_id: str, word: str, workspace: Workspace | None = None
    ) -> Awaitable[ActionResult[ImportRun]]: ...

    def get_imported_listings(self, workspace: Workspace | None = None) -> Awaitable[ActionResult[list[Listing]]]: ...

    def open_summaries(self, workspace: Workspace) -> Awaitable[Summaries]: ...

    def get_listing(self, listing: str, workspace: Workspace | None = None) -> Awaitable[ActionResult[Listing]]: ...

    def get_listings(
        self, listing_ids: Sequence[str], workspace: Workspace | None = None
    ) -> Awaitable[ActionResult[list[Listing]]]: ...

    def get_photo(self, key: str, workspace: Workspace) -> Awaitable[ActionResult[bytes]]: ...

    def refetch_photos(
        self, listing_id: str, workspace: Workspace | None = None
    ) -> Awaitable[ActionResult[Listing]]: ...

    def delete_listing(
        self, listing_id: str, workspace: Workspace | None = None
    ) -> Awaitable[ActionResult[Deletion]]: ...

    def delete_listings(
        self, listing_ids: Sequence[str], workspace: Workspace | None = None, *, undoable: bool = False
    ) -> Awaitable[ActionResult[Deletion]]: ...

    def undo_deletion(self, deletion: Deletion, workspace: Workspace) -> Awaitable[ActionResult[int]]: ...

    def export_listings(
        self, rows: Sequence[int], path: str, file_format: str, workspace: Workspace, *, overwrite: bool = False
    ) -> Awaitable[ActionResult[int]]: ...

    def get_import_history(self, workspace: Workspace | None = None) -> Awaitable[ActionResult[list[ImportRun]]]: ...

    def get_run_problems(
        self, run_id: str, workspace: Workspace | None = None
    ) -> Awaitable[ActionResult[list[Problem]]]: ...

    def service_status(self) -> Awaitable[ActionResult[BackgroundService]]: ...

    def install_service(self, settings: Settings, every: str = "15m") -> Awaitable[ActionResult[BackgroundService]]: ...

    def remove_service(self) -> Awaitable[ActionResult[BackgroundService]]: ...

    def get_budget(self, connection_id: str, workspace: Workspace) -> Awaitable[ActionResult[list[Window]]]: ...
