"""Pictures as a terminal's pixels: what is sent is the photo, what covers a line covers its pixels, and hostile bytes
end in a sentence."""

from __future__ import annotations

import re
import unicodedata
import zlib
from base64 import b64decode

import pytest
from PIL import Image
from textual.strip import Strip

from mls_tui.domain.listing import Photo
from mls_tui.ui.terminal import Graphics
from mls_tui.ui.widgets import photos as kitty
from mls_tui.ui.widgets.photos import (
    COLOURS,
    KEPT_LARGE,
    Painter,
    PhotoShelf,
    Picture,
    UnreadablePhotoError,
    sixel_lines,
    written_over,
)
from tests.ui.homes import HOSTILE, a_jpeg, a_photo

CELL = (9, 18)


def sixel_pixels(text: str) -> tuple[tuple[int, int], dict[tuple[int, int], tuple[int, ...]]]:
    """What a terminal makes of one sixel picture: its size and its pixels, in hundredths of each colour."""
    head = re.match(r'\x1bP0;1;0q"1;1;(\d+);(\d+)', text)
    assert head is not None
    assert text.endswith("\x1b\\")
    palette: dict[int, tuple[int, ...]] = {}
    pixels: dict[tuple[int, int], tuple[int, ...]] = {}
    x = y = colour = 0
    for defined, chosen, count, sixel, move in re.findall(
        r"#(\d+;2;\d+;\d+;\d+)|#(\d+)|(?:!(\d+))?([?-~])|([$-])", text[head.end() : -2]
    ):
        if defined:
            number, _, *parts = map(int, defined.split(";"))
            palette[number] = tuple(parts)
        elif chosen:
            colour = int(chosen)
        elif move:
            x, y = 0, y + (6 if move == "-" else 0)
        else:
            for at in range(int(count or 1)):
                for bit in range(6):
                    if (ord(sixel) - 63) >> bit & 1:
                        pixels[x + at, y + bit] = palette[colour]
            x += int(count or 1)
    return (int(head[1]), int(head[2])), pixels


def test_sixels_are_the_photo_pixel_by_pixel() -> None:
    image = Image.effect_noise((40, 36), 90).convert("RGB")
    image.paste((250, 10, 10), (0, 0, 20, 18))
    few = image.quantize(COLOURS, dither=Image.Dither.NONE).convert("RGB")
    lines = sixel_lines(image, CELL[1])
    assert len(lines) == 2
    for number, line in enumerate(lines):
        size, pixels = sixel_pixels(line)
        assert size == (40, 18)
        assert len(pixels) == 40 * 18
        for (x, y), shown in pixels.items():
            true = few.getpixel((x, y + number * 18))
            assert isinstance(true, tuple)
            assert shown == tuple(round(part / 2.55) for part in true)


def test_kitty_gets_the_photo_byte_by_byte_in_messages_it_takes() -> None:
    image = Image.effect_noise((200, 100), 90).convert("RGB")
    text = kitty.transmission(image, 0x10203, 20, 5)
    messages = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", text)
    assert "".join(f"\x1b_G{keys};{body}\x1b\\" for keys, body in messages) == text
    assert "i=66051,s=200,v=100,c=20,r=5" in messages[0][0]
    assert [keys[-3:] for keys, _ in messages] == ["m=1"] * (len(messages) - 1) + ["m=0"]
    assert all("q=2" in keys and len(body) <= 4096 for keys, body in messages)
    assert zlib.decompress(b64decode("".join(body for _, body in messages))) == image.tobytes()


def test_the_marks_of_rows_and_columns_are_the_protocols() -> None:
    assert len(set(kitty.DIACRITICS)) == kitty.MOST_CELLS == 297
    assert all(unicodedata.combining(mark) == 230 for mark in kitty.DIACRITICS)
    assert [f"{ord(mark):x}" for mark in kitty.DIACRITICS[:4]] == ["305", "30d", "30e", "310"]
    assert list(kitty.DIACRITICS) == sorted(kitty.DIACRITICS)


def test_what_covers_part_of_a_line_leaves_the_rest_of_its_pixels_in_place() -> None:
    line = kitty.placeholders(1, 30, 3)[2]
    for cut in range(1, 30):
        left, right = line.divide([cut, 30])
        assert (left.cell_length, right.cell_length) == (cut, 30 - cut)
        assert left.text + right.text == line.text
        assert right.text[0] == kitty.PLACEHOLDER


def test_sixels_go_where_their_line_is_cut_and_the_cells_stay() -> None:
    line = written_over(Strip.blank(20), "\x1bPsixels")
    assert line.cell_length == 20
    assert "sixels" in line.divide([20])[0].text
    assert all("sixels" not in part.text for part in line.divide([8, 20]))


@pytest.mark.parametrize("kind", ["kitty", "sixel", "blocks"])
def test_a_picture_fits_its_box_and_can_always_be_drawn_in_half_blocks(kind: str) -> None:
    painter = Painter(Graphics(kind, CELL))
    for box in ((60, 20), (12, 5), (1, 1), (200, 3)):
        picture = painter.draw(a_jpeg(1), *box)
        assert 0 < picture.width <= box[0]
        assert 0 < len(picture.strips) <= box[1]
        assert {strip.cell_length for strip in (*picture.strips, *picture.placed)} == {picture.width}
        assert len(picture.placed or picture.over or picture.strips) == len(picture.strips)
        assert "▀" in picture.line(0, in_front=False).text
        assert picture.over_line(0, 5, in_front=False) == ""


@pytest.mark.parametrize("kind", ["kitty", "sixel", "blocks", "off"])
def test_hostile_bytes_end_in_a_sentence(kind: str) -> None:
    good = a_jpeg(1)
    for data in (
        b"",
        b"\xff\xd8\xff",
        good[: len(good) // 3],
        HOSTILE.encode(),
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"GIF89a" * 9,
    ):
        with pytest.raises(UnreadablePhotoError):
            Painter(Graphics(kind, CELL)).draw(data, 40, 20)


async def test_the_terminal_hears_of_a_picture_first_and_keeps_only_the_latest() -> None:
    told: list[str] = []

    async def fetch(key: str) -> bytes | str:
        return a_jpeg(1)

    shelf = PhotoShelf(fetch, Painter(Graphics("kitty", CELL)), told.append)
    photos: list[Photo] = [a_photo("one", order) for order in range(KEPT_LARGE + 3)]
    for photo in photos:
        assert isinstance(await shelf.picture(photo, 40, 20), Picture)
    sent = [number[1] for text in told if (number := re.search(r"a=T.*?i=(\d+)", text))]
    freed = [number[1] for text in told if (number := re.search(r"a=d.*?i=(\d+)", text))]
    assert len(set(sent)) == len(photos)
    assert freed == sent[:3]
    shelf.forget()
    assert len([text for text in told if "a=d" in text]) == len(photos)
