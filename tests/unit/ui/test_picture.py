"""Photos as half-blocks: the right size and colours, and nothing in a file can hurt."""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mls_tui.ui.widgets.photos import UnreadablePhotoError, fitted, half_blocks
from tests.ui.homes import a_jpeg


def png(width: int, height: int, colour: tuple[int, int, int] = (200, 10, 10)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "PNG")
    return out.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A file that claims a size and has almost no bytes."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0" * 100)
    chunks = (
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in (body, data)
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize("cells", [(10, 5), (60, 20), (3, 40), (1, 1)])
def test_a_picture_fits_its_cells_and_keeps_its_shape(cells: tuple[int, int]) -> None:
    picture = half_blocks(a_jpeg(), *cells)
    assert picture.width <= cells[0]
    assert len(picture.strips) <= cells[1]
    assert {strip.cell_length for strip in picture.strips} == {picture.width}
    assert picture.pixels == (320, 214)


def test_colours_are_the_photos_own() -> None:
    style = half_blocks(png(8, 8), 4, 2).strips[0]._segments[0].style
    assert style is not None
    assert style.color is not None
    assert tuple(style.color.triplet or ()) == (200, 10, 10)


@pytest.mark.parametrize(
    "data",
    [b"", b"<html>", a_jpeg()[:200], b"GIF89a", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", png(64, 64)[:45]],
)
def test_what_is_not_a_photo_is_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(UnreadablePhotoError, match=r"\.$"):
        half_blocks(data, 10, 10)


@pytest.mark.promise("hostile bodies")
@pytest.mark.parametrize("size", [(10_000, 5_001), (60_000, 60_000)])
def test_a_bomb_is_refused_by_its_header(size: tuple[int, int]) -> None:
    with pytest.raises(UnreadablePhotoError, match="too large"):
        half_blocks(png_header(*size), 10, 10)


def test_a_formats_outside_the_list_is_not_decoded() -> None:
    out = io.BytesIO()
    Image.new("RGB", (4, 4)).save(out, "PPM")
    with pytest.raises(UnreadablePhotoError):
        half_blocks(out.getvalue(), 10, 10)


@given(st.integers(1, 9000), st.integers(1, 9000), st.integers(1, 300), st.integers(1, 300))
def test_fitted_never_leaves_the_box(width: int, height: int, wide: int, high: int) -> None:
    x, y = fitted((width, height), (wide, high))
    assert 1 <= x <= wide
    assert 1 <= y <= high


@given(st.binary(max_size=400), st.integers(0, 400))
def test_damaged_photos_never_raise_anything_else(noise: bytes, at: int) -> None:
    whole = a_jpeg(width=32, height=24)
    lines = 1
    with suppress(UnreadablePhotoError):
        lines = len(half_blocks(whole[:at] + noise + whole[at + len(noise) :], 6, 4).strips)
    assert 1 <= lines <= 4
