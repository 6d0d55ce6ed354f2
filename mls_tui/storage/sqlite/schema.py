"""The embedded database's file: where it is made, its settings, its tables and their migrations. A file that is not
ours, or that a newer version wrote, is refused before anything in it is touched."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import orjson

from mls_tui.domain.errors import StorageError
from mls_tui.storage import summaries
from mls_tui.storage.files import private_folder, shared
from mls_tui.storage.sqlite.errors import foreign, newer

APPLICATION_ID = 0x6D6C7374
"""``mlst``: says in the file's header whose it is."""


def fill_summaries(db: sqlite3.Connection) -> None:
    """Write every summary again from its item; an item that cannot be read has none."""
    db.execute("DELETE FROM summaries")
    db.execute("DELETE FROM summary_texts")
    for (body,) in db.execute("SELECT body FROM items WHERE entry IS NOT NULL"):
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError, sqlite3.IntegrityError):
            summaries.put(db, [orjson.loads(body)])


MIGRATIONS: tuple[tuple[str | Callable[[sqlite3.Connection], None], ...], ...] = (
    (
        # body is the item as JSON; entry, for listings only, is its projection for an import's index.
        """CREATE TABLE items (
             pk TEXT NOT NULL, sk TEXT NOT NULL, gsi1pk TEXT, gsi1sk TEXT, entry TEXT, body TEXT NOT NULL,
             PRIMARY KEY (pk, sk)) STRICT""",
        # Covers the whole index query, so that it never reads a body.
        "CREATE INDEX items_entry ON items (pk, sk, entry) WHERE entry IS NOT NULL",
    ),
    (*summaries.SCHEMA, fill_summaries),
)
"""Steps from schema n to n + 1. Never edit one that was released; append."""


def make_file(path: Path) -> None:
    """Create the file, 0600, in a folder that is 0700 if it is new.

    Raises OSError if that fails, StorageError if others can change the file.
    """
    private_folder(path.parent)
    if (problem := shared(path)) is not None:
        raise StorageError(f"The database is not safe. {problem}")
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def connect(path: Path) -> sqlite3.Connection:
    """A connection in autocommit mode, for use in one thread."""
    return _settled(sqlite3.connect(path, isolation_level=None, timeout=5, cached_statements=64))


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that only reads. Where SQLite can't write its shared memory beside the file (a full or read-only
    disk), the file is read as it is, if its log holds nothing that the file lacks."""
    try:
        connection = connect(path)
        with contextlib.ExitStack() as failed:
            failed.callback(connection.close)
            connection.execute("PRAGMA query_only = ON")
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            failed.pop_all()
        return connection
    except sqlite3.OperationalError:
        log = path.with_name(path.name + "-wal")
        if log.exists() and log.stat().st_size:
            raise
        uri = f"{path.absolute().as_uri()}?immutable=1"
        return _settled(sqlite3.connect(uri, uri=True, isolation_level=None, cached_statements=64))


def _settled(connection: sqlite3.Connection) -> sqlite3.Connection:
    try:
        # Fold all settings that a file can set against us back to what we rely on.
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -16384")
    except BaseException:
        connection.close()
        raise
    return connection


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Check whose file it is, switch it to WAL, bring its schema up to date. StorageError where it is not for us."""
    version = _check_ours(connection, path)
    _switch_to_wal(connection)
    if version == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have migrated it since it was checked.
        version = _check_ours(connection, path)
        for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
            for statement in statements:
                if isinstance(statement, str):
                    connection.execute(statement)
                else:
                    statement(connection)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _check_ours(connection: sqlite3.Connection, path: Path) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if owner != APPLICATION_ID and (owner or tables):
        raise foreign(path)
    if version > len(MIGRATIONS):
        raise newer(path, version, len(MIGRATIONS))
    return int(version)


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    if mode != "wal":
        connection.execute("PRAGMA journal_mode = WAL")
