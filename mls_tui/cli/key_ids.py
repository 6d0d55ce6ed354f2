"""The keys of the interface by the ids that ``[keys]`` in config.toml goes by. Reads the classes; opens no screen."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

from textual.binding import Binding


def key_ids() -> dict[str, tuple[str, str]]:
    """For each id its keys, comma-separated, and what they do; sorted by id."""
    found = {each.id: (each.key, each.tooltip or each.description) for each in _bindings() if each.id}
    return dict(sorted(found.items()))


def _bindings() -> Iterator[Binding]:
    for package in ("mls_tui.ui.screens", "mls_tui.ui.widgets"):
        for module in iter_modules(import_module(package).__path__):
            yield from _of_module(f"{package}.{module.name}")
    yield from _of_module("mls_tui.ui.app")


def _of_module(name: str) -> Iterator[Binding]:
    for owner in vars(import_module(name)).values():
        if isinstance(owner, type) and owner.__module__ == name:
            yield from (each for each in vars(owner).get("BINDINGS", ()) if isinstance(each, Binding))
