"""Why no whole answer came, in plain words of our own. The texts of a library's errors may hold a URL with a signature
or a token: they must never be shown."""

from __future__ import annotations

import httpx


class UnansweredError(Exception):
    """No whole answer came. The text is one of the phrases below, to follow "host: "."""


NOT_RESOLVED = "the name of the host cannot be resolved"
NO_TLS = "its TLS certificate or handshake is not valid"
SLOW_TO_CONNECT = "connecting took too long"
NOT_CONNECTED = "no connection could be made"
UNSENDABLE = "the request cannot be sent: a header, perhaps its token, or the address holds a line break"
SLOW_TO_ANSWER = "the answer took too long"
LOST = "the connection was closed or reset before the answer came"
CUT_SHORT = "the answer ended before it was whole"
NOT_HTTP = "the answer was not valid HTTP"

REACH_ERRORS = (UnansweredError, httpx.HTTPError, TimeoutError, OSError)
"""What a request may raise besides AddressRefusedError; httpx's own come from a transport put in the place of ours."""

_PHRASES: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((httpx.ConnectTimeout,), SLOW_TO_CONNECT),
    ((TimeoutError, httpx.TimeoutException), SLOW_TO_ANSWER),
    ((httpx.ConnectError,), NOT_CONNECTED),
    ((OSError, httpx.NetworkError, httpx.RemoteProtocolError), LOST),
)


def why_unanswered(error: BaseException) -> str:
    """The phrase for one of ``REACH_ERRORS``."""
    if isinstance(error, UnansweredError):
        return str(error)
    return next((phrase for kinds, phrase in _PHRASES if isinstance(error, kinds)), NOT_HTTP)
