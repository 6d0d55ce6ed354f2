"""What ``storage check`` says about the database file. Reads only."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from pathlib import Path

from mls_tui.storage.base import Check

_LOW_DISK_BYTES = 200 * 1024 * 1024


def check_file(db: sqlite3.Connection, path: Path) -> list[Check]:
    """Integrity, schema, permissions, room on the disk, and that every listing has its mark."""
    checks = [_integrity(db), _schema(db, path), _rows(db), _marks(db), _summaries(db)]
    return [*checks, permissions(path, "database"), room(path)]


def _integrity(db: sqlite3.Connection) -> Check:
    findings = [str(row[0]) for row in db.execute("PRAGMA quick_check(3)")]
    if findings == ["ok"]:
        return Check("integrity", "ok", "every page is sound")
    return Check("integrity", "failure", "; ".join(findings), "restore the file from a backup, or import again")


def _schema(db: sqlite3.Connection, path: Path) -> Check:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (mode,) = db.execute("PRAGMA journal_mode").fetchone()
    if mode != "wal":
        return Check("schema", "warning", f"journal mode is {mode}", "run `mls-tui storage init`")
    return Check("schema", "ok", f"version {version}, write-ahead log, {path}")


def _marks(db: sqlite3.Connection) -> Check:
    (bare,) = db.execute(
        "SELECT count(*) FROM items AS row WHERE row.entry IS NOT NULL AND NOT EXISTS (SELECT 1 FROM items AS mark"
        " WHERE mark.pk = row.pk AND mark.sk = json_extract(row.entry, '$.Mark'))"
    ).fetchone()
    if bare:
        return Check(
            "marks", "failure", f"{bare} listings have no uniqueness mark", "delete them and import them again"
        )
    return Check("marks", "ok", "every listing has its uniqueness mark")


def _rows(db: sqlite3.Connection) -> Check:
    bad = [
        str(sk)
        for (sk,) in db.execute(
            "SELECT sk FROM items WHERE NOT json_valid(body)"
            " OR entry IS NOT NULL AND json_type(body, '$.Data') IS NOT 'object'"
        )
    ]
    if bad:
        what = ", ".join(plain_key(sk) for sk in bad[:3]) + (" …" if len(bad) > 3 else "")
        return Check(
            "rows",
            "failure",
            f"{len(bad)} stored rows cannot be read: {what}",
            "delete those listings and import again",
        )
    return Check("rows", "ok", "every stored row can be read")


def plain_key(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:80]


def _summaries(db: sqlite3.Connection) -> Check:
    (wrong,) = db.execute(
        "SELECT (SELECT count(*) FROM items WHERE entry IS NOT NULL AND json_valid(body) AND NOT EXISTS"
        " (SELECT 1 FROM summaries AS s WHERE s.pk = items.pk AND s.listing_id = substr(items.sk, 9)))"
        " + (SELECT count(*) FROM summaries AS s WHERE NOT EXISTS"
        " (SELECT 1 FROM items WHERE items.pk = s.pk AND items.sk = 'LISTING#' || s.listing_id))"
    ).fetchone()
    if wrong:
        return Check("list", "failure", f"the list differs from {wrong} stored listings", "run `mls-tui storage init`")
    return Check("list", "ok", "the list shows what is stored")


def permissions(path: Path, name: str) -> Check:
    """Whether others on this machine may read ``path``."""
    if os.name != "posix":
        return Check(f"{name} permissions", "ok", "left to the system")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return Check(f"{name} permissions", "warning", f"others may reach {path} ({mode:o})", f"chmod go= {path}")
    return Check(f"{name} permissions", "ok", f"only you may reach it ({mode:o})")


def room(path: Path) -> Check:
    """Free space on the disk that holds ``path``."""
    free = shutil.disk_usage(path if path.is_dir() else path.parent).free
    if free < _LOW_DISK_BYTES:
        return Check("disk", "warning", f"{free // 2**20} MB free", "free some space before the next import")
    return Check("disk", "ok", f"{free // 2**20} MB free")
