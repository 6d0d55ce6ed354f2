"""What the server answers when it cannot answer: an OData error with its HTTP status."""

from __future__ import annotations


class ODataError(Exception):
    """Becomes ``{"error": {"code", "message"}}`` with ``status``."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def bad_request(message: str) -> ODataError:
    """A query the server does not understand."""
    return ODataError(400, "BadRequest", message)
