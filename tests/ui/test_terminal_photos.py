"""``mls-tui`` itself in terminals that answer as the real ones do: photos are drawn the best way each can show."""

from __future__ import annotations

import asyncio
import hashlib
import re
import zlib
from base64 import b64decode
from pathlib import Path

import pytest

from mls_tui.actions.workspace import Workspace
from mls_tui.config import load_settings
from tests.ui.homes import a_home, a_jpeg, a_photo
from tests.ui.terminals import FOOT, KITTY, MUTE, Terminal, terminal

PLACEHOLDER = "\U0010eeee".encode()
SIXELS = b"\x1bP0;1;0q"
BLOCK = "▀".encode()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of one home with one photo."""
    folder = tmp_path_factory.mktemp("home")

    async def fill() -> None:
        async with Workspace(load_settings(environ={}, home=str(folder), storage="local")) as house:
            key, body = f"listings/{house.user_id}/one/original/photo0.jpg", a_jpeg(1, 640, 428)
            digest = hashlib.sha256(body).hexdigest()
            await house.photos.put(key, body, content_type="image/jpeg", sha256=digest, metadata={})
            photo = a_photo("one", 0).model_copy(update={"key": key, "url": key})
            await house.store.put(house.user_id, a_home(1, listing_id="one", photos=(photo,)))

    asyncio.run(fill())
    return folder


def look_at_the_photo(term: Terminal, shown: bytes) -> None:
    term.until(lambda written: b"Juniper" in written, b"2")
    term.type(b"\r")
    term.until(lambda written: shown in written)


def test_kitty_gets_the_image_once_and_half_blocks_only_below_a_dialog(home: Path) -> None:
    with terminal(KITTY, home=home, TERM="xterm-kitty") as term:
        look_at_the_photo(term, PLACEHOLDER)
        written = bytes(term.written)
        assert BLOCK not in written
        assert SIXELS not in written
        first = re.search(rb"\x1b_Ga=T,U=1,q=2,f=24,o=z,i=\d+,s=(\d+),v=(\d+),", written)
        assert first is not None
        assert first.start() < written.index(PLACEHOLDER)
        ended = written.index(b"m=0;", first.start())
        bodies = re.findall(
            rb"\x1b_G[^;]*;([^\x1b]*)\x1b", written[first.start() : written.index(b"\x1b\\", ended) + 2]
        )
        assert len(zlib.decompress(b64decode(b"".join(bodies)))) == int(first[1]) * int(first[2]) * 3
        term.type(b"?")
        term.until(lambda now: BLOCK in now)
        covered = len(term.written)
        term.type(b"\x1b")
        term.until(lambda now: PLACEHOLDER in now[covered:])
        term.type(b"q")
        term.ended()
        after = bytes(term.written).rpartition(b"\x1b[?1049l")[2]
        assert b"\x1b_G" not in after


def test_a_terminal_with_sixels_gets_one_for_each_line(home: Path) -> None:
    with terminal(FOOT, home=home, TERM="foot") as term:
        look_at_the_photo(term, SIXELS)
        assert b"\x1b_Ga=T" not in term.written
        sizes = set(re.findall(rb'\x1bP0;1;0q"1;1;(\d+);(\d+)', term.written))
        assert {int(high) for _, high in sizes} == {18}
        assert all(int(wide) % 9 == 0 for wide, _ in sizes)


def test_a_terminal_that_says_nothing_gets_half_blocks(home: Path) -> None:
    with terminal(MUTE, home=home) as term:
        look_at_the_photo(term, BLOCK)
        assert SIXELS not in term.written
        assert b"\x1b_Ga=T" not in term.written


def test_the_setting_is_obeyed_and_then_nothing_is_asked(home: Path) -> None:
    with terminal(KITTY, home=home, MLS_TUI_PHOTOS="blocks") as term:
        look_at_the_photo(term, BLOCK)
        assert b"a=q" not in term.written
        assert PLACEHOLDER not in term.written


def test_what_is_typed_before_the_first_frame_is_not_lost_nor_the_answer_around_it(home: Path) -> None:
    hurried = {**KITTY, b"\x1b[c": b"2" + KITTY[b"\x1b[c"]}
    with terminal(hurried, home=home, TERM="xterm-kitty") as term:
        term.until(lambda written: b"Juniper" in written)
        term.type(b"\r")
        term.until(lambda written: PLACEHOLDER in written or BLOCK in written)
        assert BLOCK not in term.written
