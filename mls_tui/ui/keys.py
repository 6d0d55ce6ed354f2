"""The keys of the interface by the ids that ``[keys]`` in config.toml uses, and what is wrong with such a section."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from importlib import import_module
from pkgutil import iter_modules

from textual.binding import Binding

APP = "mls_tui.ui.app"


def key_ids() -> dict[str, tuple[str, str]]:
    """For each id its keys, comma-separated, and what they do; sorted by id."""
    found = {each.id: (each.key, each.tooltip or each.description) for _, each in _bindings() if each.id}
    return dict(sorted(found.items()))


def key_problems(keymap: Mapping[str, str]) -> list[str]:
    """Ids that do not exist, and keys that would mean two things on one screen, each as a sentence."""
    if not keymap:
        return []
    bindings = [(owner, each) for owner, each in _bindings() if each.id]
    ids = {str(each.id): owner for owner, each in bindings}
    problems = []
    for name in keymap:
        if name not in ids:
            near = get_close_matches(name, ids, n=1)
            words = f"Did you mean “{near[0]}”?" if near else "“mls-tui info --keys” lists them."
            problems.append(f"[keys]: nothing is called “{name}”. {words}")
    for name, wanted in keymap.items():
        for owner, other in bindings:
            beside = name in ids and other.id not in (name, None) and owner in (ids[name], APP)
            taken = keymap.get(str(other.id), other.key)
            if beside and (both := set(_keys(wanted)) & set(_keys(taken))):
                problems.append(f"[keys]: {min(both)} is “{name}” and also “{other.id}”. Give one of them another key.")
    return list(dict.fromkeys(problems))


def _keys(text: str) -> list[str]:
    return [key.strip() for key in text.split(",") if key.strip()]


def _bindings() -> Iterator[tuple[str, Binding]]:
    """Each binding with the class that owns it; the application's with its module."""
    for package in ("mls_tui.ui.screens", "mls_tui.ui.widgets"):
        for module in iter_modules(import_module(package).__path__):
            yield from _of_module(f"{package}.{module.name}")
    for _, binding in _of_module(APP):
        yield APP, binding


def _of_module(name: str) -> Iterator[tuple[str, Binding]]:
    for owner in vars(import_module(name)).values():
        if isinstance(owner, type) and owner.__module__ == name:
            yield from (
                (f"{name}.{owner.__name__}", each)
                for each in vars(owner).get("BINDINGS", ())
                if isinstance(each, Binding)
            )
