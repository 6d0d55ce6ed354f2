"""Secrets that must be found nowhere: planted where a user or a feed would put them, looked for in every spelling."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

TOKEN = "canary/access+token=1f6b0c" + "7d" * 8
REFRESH = "canary/refresh+token=2a7c1d" + "8e" * 8
CLIENT_SECRET = "canary/client+secret=3b8d2e" + "9f" * 8
PASSWORD = 'canary pass"word\\4c9e3f' + "a0" * 8
SIGNATURE = "canarySignature5d0f4a" + "b1" * 8
AWS_SECRET = "canary/aws+secret/6e1a5b" + "c2" * 8
KEY = "canary passphrase of the user 7f2b6c" + "d3" * 8

EVERY = (TOKEN, REFRESH, CLIENT_SECRET, PASSWORD, SIGNATURE, AWS_SECRET, KEY)
BUT_URLS = tuple(secret for secret in EVERY if secret != SIGNATURE)
"""A photo that could not be fetched keeps its URL, signature included (docs/contract.md, section S3)."""


def spellings(secret: str) -> Iterator[bytes]:
    """Raw, percent-encoded, JSON-escaped, base64 at each of the three alignments, and hex."""
    yield secret.encode()
    yield quote(secret, safe="").encode()
    yield quote(secret).encode()
    yield quote_plus(secret).encode()
    yield json.dumps(secret)[1:-1].encode()
    yield secret.encode().hex().encode()
    yield secret.encode("utf-16-le")
    for shift in range(3):
        for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
            coded = alphabet(b"x" * shift + secret.encode())
            # The characters at both ends depend on the neighbours as well.
            yield coded[4 if shift else 0 : -4]


def found_in(body: bytes, secrets: Iterable[str] = EVERY) -> list[str]:
    """The secrets that stand in these bytes, in whatever spelling."""
    return [secret for secret in secrets if any(spelling in body for spelling in spellings(secret))]


def search_folder(folder: Path, secrets: Iterable[str] = EVERY) -> list[str]:
    """``path: secret`` for each file below the folder that holds one, in its bytes or its name."""
    wanted = list(secrets)
    hits = []
    for path in sorted(folder.rglob("*")):
        body = path.read_bytes() if path.is_file() else b""
        hits += [f"{path.relative_to(folder)}: {secret}" for secret in found_in(body + str(path).encode(), wanted)]
    return hits
