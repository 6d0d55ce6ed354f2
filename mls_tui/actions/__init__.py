"""What a user can do: the functions that screens and commands call (docs/contract.md, section Python).

Each returns an ActionResult and raises nothing that a user could cause. It acts for the workspace's user.

A name is imported when it is first used: the importer, pydantic and their relatives take longer to load than the first
frame of the interface, which needs none of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mls_tui.actions.connections import (
        check_connection,
        connect_mls,
        disconnect_mls,
        edit_connection,
        get_budget,
        get_connections,
        rotate_keys,
        show_connection,
        try_connection,
        update_connection,
    )
    from mls_tui.actions.doctor import check_storage, init_storage, run_doctor
    from mls_tui.actions.history import get_import_history, get_run_problems
    from mls_tui.actions.imports import import_events, import_mls_listings, retry_events, retry_run
    from mls_tui.actions.listings import (
        delete_listing,
        delete_listings,
        delete_named,
        export_listings,
        get_imported_listings,
        get_listing,
        get_listings,
        get_photo,
        listing_data,
        open_summaries,
        refetch_photos,
        undo_deletion,
    )
    from mls_tui.actions.preview import preview_import
    from mls_tui.actions.results import (
        ActionResult,
        ConnectionEdit,
        ConnectionForm,
        ConnectionTest,
        ConnectionView,
        Deletion,
        Difference,
        Preview,
        PreviewRow,
    )
    from mls_tui.actions.service import BackgroundService, install_service, remove_service, service_status
    from mls_tui.actions.workers import follow_run, run_worker, start_distributed, steer_run
    from mls_tui.importer.options import ImportControl, ImportOptions

__all__ = [
    "ActionResult",
    "BackgroundService",
    "ConnectionEdit",
    "ConnectionForm",
    "ConnectionTest",
    "ConnectionView",
    "Deletion",
    "Difference",
    "ImportControl",
    "ImportOptions",
    "Preview",
    "PreviewRow",
    "check_connection",
    "check_storage",
    "connect_mls",
    "delete_listing",
    "delete_listings",
    "delete_named",
    "disconnect_mls",
    "edit_connection",
    "export_listings",
    "follow_run",
    "get_budget",
    "get_connections",
    "get_import_history",
    "get_imported_listings",
    "get_listing",
    "get_listings",
    "get_photo",
    "get_run_problems",
    "import_events",
    "import_mls_listings",
    "init_storage",
    "install_service",
    "listing_data",
    "open_summaries",
    "preview_import",
    "refetch_photos",
    "remove_service",
    "retry_events",
    "retry_run",
    "rotate_keys",
    "run_doctor",
    "run_worker",
    "service_status",
    "show_connection",
    "start_distributed",
    "steer_run",
    "try_connection",
    "undo_deletion",
    "update_connection",
]

_NAMES = {
    "mls_tui.actions.connections": (
        "check_connection connect_mls disconnect_mls edit_connection get_budget get_connections rotate_keys "
        "show_connection try_connection update_connection"
    ),
    "mls_tui.actions.doctor": "check_storage init_storage run_doctor",
    "mls_tui.actions.history": "get_import_history get_run_problems",
    "mls_tui.actions.imports": "import_events import_mls_listings retry_events retry_run",
    "mls_tui.actions.listings": (
        "delete_listing delete_listings delete_named export_listings get_imported_listings get_listing "
        "get_listings get_photo listing_data open_summaries refetch_photos undo_deletion"
    ),
    "mls_tui.actions.preview": "preview_import",
    "mls_tui.actions.results": (
        "ActionResult ConnectionEdit ConnectionForm ConnectionTest ConnectionView Deletion Difference Preview "
        "PreviewRow"
    ),
    "mls_tui.actions.service": "BackgroundService install_service remove_service service_status",
    "mls_tui.actions.workers": "follow_run run_worker start_distributed steer_run",
    "mls_tui.importer.options": "ImportControl ImportOptions",
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names.split()}

if not TYPE_CHECKING:  # to a type checker the names above are all there is

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(importlib.import_module(_MODULES[name]), name)
        return found
