"""Smaller WebP copies of photos: upright, without metadata, and no way to make us decode a bomb."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from mls_tui.domain.errors import PhotoError
from mls_tui.importer.photos import make_variants
from tests.e2e.hostile_mls import png_claiming


def encoded(mode: str = "RGB", size: tuple[int, int] = (640, 480), kind: str = "JPEG", **options: Any) -> bytes:
    """A picture whose left half is red and right half blue."""
    picture = Image.new("RGB", size, "blue")
    picture.paste("red", (0, 0, size[0] // 2, size[1]))
    out = io.BytesIO()
    picture.convert(mode).save(out, kind, **options)
    return out.getvalue()


def opened(body: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(body))
    picture.load()
    assert picture.format == "WEBP"
    return picture


def colour(picture: Image.Image, x: float, y: float) -> str:
    pixel = picture.convert("RGB").getpixel((int(picture.width * x), int(picture.height * y)))
    assert isinstance(pixel, tuple)
    return "red" if pixel[0] > pixel[2] else "blue"


def test_each_width_gives_one_copy_of_the_same_shape() -> None:
    variants = make_variants(encoded(size=(2000, 1000)))
    assert list(variants) == [1600, 400]
    assert opened(variants[1600]).size == (1600, 800)
    assert opened(variants[400]).size == (400, 200)


def test_a_small_photo_is_never_enlarged() -> None:
    assert {opened(body).size for body in make_variants(encoded(size=(300, 200))).values()} == {(300, 200)}


def test_a_panorama_keeps_at_least_one_row() -> None:
    assert opened(make_variants(encoded(size=(3000, 1), kind="PNG"), (400,))[400]).size == (400, 1)


def test_the_original_stays_as_it_is() -> None:
    body = encoded()
    before = hashlib.sha256(body).hexdigest()
    make_variants(body)
    assert hashlib.sha256(body).hexdigest() == before


@pytest.mark.parametrize(
    ("kind", "mode"), [("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "P"), ("PNG", "RGBA"), ("GIF", "P")]
)
@pytest.mark.parametrize("widths", [(400,), (400, 100)])
def test_every_mode_becomes_webp(kind: str, mode: str, widths: tuple[int, ...]) -> None:
    assert [opened(body).width for body in make_variants(encoded(mode, kind=kind), widths).values()] == list(widths)


@pytest.mark.parametrize("kind", ["WEBP", "AVIF", "TIFF"])
def test_every_format_becomes_webp(kind: str) -> None:
    assert colour(opened(make_variants(encoded(kind=kind), (400,))[400]), 0.1, 0.5) == "red"


@pytest.mark.parametrize(
    ("orientation", "red_at", "blue_at"),
    [
        (1, (0.1, 0.5), (0.9, 0.5)),
        (3, (0.9, 0.5), (0.1, 0.5)),
        (6, (0.5, 0.1), (0.5, 0.9)),
        (8, (0.5, 0.9), (0.5, 0.1)),
    ],
)
def test_exif_orientation_is_applied(
    orientation: int, red_at: tuple[float, float], blue_at: tuple[float, float]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = opened(make_variants(encoded(size=(1200, 900), exif=exif), (400,))[400])
    assert picture.size == ((400, 300) if orientation in (1, 3) else (400, 533))
    assert (colour(picture, *red_at), colour(picture, *blue_at)) == ("red", "blue")


def test_metadata_are_dropped() -> None:
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825)[1] = "N"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    body = encoded(exif=exif, icc_profile=profile, comment=b"SecretComment")
    assert b"SecretCamera" in body
    for variant in make_variants(body).values():
        assert b"Secret" not in variant
        assert not {"exif", "xmp", "icc_profile", "comment"} & set(opened(variant).info)


def test_a_broken_profile_does_not_cost_the_photo() -> None:
    assert colour(opened(make_variants(encoded(icc_profile=b"junk"))[400]), 0.1, 0.5) == "red"


def test_transparency_is_kept() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (500, 500), (255, 0, 0, 0)).save(out, "PNG")
    assert opened(make_variants(out.getvalue(), (100,))[100]).getchannel("A").getextrema() == (0, 0)


def test_an_animation_gives_its_first_frame() -> None:
    frames = [Image.new("P", (50, 50), n) for n in (1, 2)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    assert getattr(opened(make_variants(out.getvalue(), (40,))[40]), "n_frames", 1) == 1


@pytest.mark.promise("hostile bodies")
@pytest.mark.parametrize("size", [(10_000, 5_001), (10_000, 10_000), (100_000, 100_000)])
def test_a_header_with_too_many_pixels_is_refused_before_decoding(size: tuple[int, int]) -> None:
    with pytest.raises(PhotoError, match="too many pixels") as caught:
        make_variants(png_claiming(*size))
    assert not caught.value.retryable


@pytest.mark.parametrize(
    "body", [b"", b"<html>gone</html>", b"%PDF-1.4", b"BM" + b"\0" * 60, encoded()[:2_000], encoded(kind="PNG")[:300]]
)
def test_what_cannot_be_decoded_is_a_photo_error(body: bytes) -> None:
    with pytest.raises(PhotoError, match="cannot be decoded"):
        make_variants(body)


@pytest.mark.promise("hostile bodies")
def test_formats_beyond_those_of_photos_are_not_decoded() -> None:
    for kind in ("BMP", "ICO", "PPM", "TGA"):
        with pytest.raises(PhotoError, match="cannot be decoded"):
            make_variants(encoded(size=(64, 64), kind=kind))


@settings(max_examples=60)
@given(st.sampled_from(["JPEG", "PNG", "GIF", "WEBP", "TIFF"]), st.data())
def test_damaged_bytes_give_variants_or_a_photo_error(kind: str, data: Any) -> None:
    body = bytearray(encoded(size=(64, 48), kind=kind))
    for _ in range(data.draw(st.integers(1, 8))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        variants = make_variants(bytes(body), (32,))
    except PhotoError:
        return
    assert opened(variants[32]).width <= 32


def test_pillow_is_imported_only_when_a_variant_is_made() -> None:
    check = "import sys, mls_tui.importer.photos; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
