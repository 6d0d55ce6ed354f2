"""botocore reads megabytes of JSON for each session, and every house and child of a test has sessions of its own."""

from __future__ import annotations

import functools
from typing import Any


def read_once() -> None:
    """From here on, in this process, each file of AWS's service models is read once for all sessions."""
    from botocore.loaders import JSONFileLoader

    loader: Any = JSONFileLoader
    if hasattr(loader.load_file, "read_once"):
        return
    read = functools.cache(functools.partial(loader.load_file, loader()))

    def load_file(_: JSONFileLoader, path: str) -> Any:
        return read(path)

    load_file.read_once = True  # type: ignore[attr-defined]  # a mark of ours
    loader.load_file = load_file
