"""The shapes of answers: OData JSON, OData errors, the service document."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web

from mls_tui.demo.errors import ODataError
from mls_tui.demo.schema import ENTITIES

_JSON = "application/json"


def odata_json(document: Any, status: int = 200) -> web.Response:
    """A JSON answer with OData's headers."""
    response = web.Response(body=orjson.dumps(document), status=status)
    response.headers["Content-Type"] = "application/json;odata.metadata=minimal;charset=utf-8"
    response.headers["OData-Version"] = "4.0"
    return response


def odata_error(status: int, code: str, message: str) -> web.Response:
    """``{"error": {"code", "message"}}`` (OData JSON 4.0 §19)."""
    return odata_json({"error": {"code": code, "message": message}}, status)


def service_document(root: str) -> dict[str, Any]:
    """The list of resources."""
    sets = [{"name": name, "kind": "EntitySet", "url": name} for name in ENTITIES]
    return {"@odata.context": f"{root}/$metadata", "value": sets}


def check_accept(request: web.Request, *allowed: str) -> None:
    """Raises ODataError (406) where the client takes nothing that this resource can be."""
    wanted: str = request.query.get("$format") or request.headers.get("Accept") or "*/*"
    kinds = [part.split(";")[0].strip().lower() for part in wanted.split(",")]
    fine = {"", "*/*", "application/*", "json" if _JSON in allowed else "xml", *allowed}
    if not fine.intersection(kinds):
        raise ODataError(406, "NotAcceptable", f"This resource is served as {allowed[0]} only")
