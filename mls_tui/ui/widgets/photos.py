"""Photos in the terminal: kitty's graphics, sixels, or half-blocks, which every terminal can show.

Photos are decoded and drawn in a thread, after their header was checked. textual-image 0.12 was tried instead: it
encodes in the interface's thread and held it up for 335 ms (half-blocks), 438 ms (kitty) and 936 ms (sixel) for a photo
of 110 x 40 cells on a busy machine, this file for 115, 107 and 101 ms.
"""

from __future__ import annotations

import asyncio
import io
import random
import re
import warnings
import zlib
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.color import Color
from rich.segment import ControlType, Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from mls_tui.domain.listing import Photo
from mls_tui.ui.tasks import start_task
from mls_tui.ui.terminal import Graphics
from mls_tui.ui.text import clean, one_line

if TYPE_CHECKING:
    from PIL.Image import Image


MAX_PIXELS = 50_000_000
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "TIFF")
"""What is decoded, by the header's word; Pillow tries no other decoder."""


class UnreadablePhotoError(Exception):
    """The bytes cannot be shown; ``str()`` says why in a sentence."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn photo: ``strips`` are its lines, ``width`` its cells; ``pixels`` the size of the photo itself.

    Where the terminal shows pixels, ``placed`` are lines that take the place of ``strips``, and ``over`` is what is
    written over each line once its cells are drawn; both only while nothing lies over the screen. ``send`` is to be
    told to the terminal before, ``free`` when the picture is not needed any more.
    """

    strips: tuple[Strip, ...]
    width: int
    pixels: tuple[int, int]
    placed: tuple[Strip, ...] = ()
    over: tuple[str, ...] = ()
    send: str = ""
    free: str = ""

    def line(self, y: int, *, in_front: bool) -> Strip:
        """The cells of one line."""
        return self.placed[y] if in_front and self.placed else self.strips[y]

    def over_line(self, y: int, back: int, *, in_front: bool) -> str:
        """What is written once the cells of a line are drawn, and the cursor is ``back`` cells right of its start."""
        return f"\x1b7\x1b[{back}D{self.over[y]}\x1b8" if in_front and self.over else ""


def decode(data: bytes, box: tuple[int, int]) -> tuple[Image, tuple[int, int]]:
    """The photo as RGB, scaled to fit ``box`` (pixels), and its own size in pixels.

    Raises:
        UnreadablePhotoError: not an image of FORMATS, damaged, or over MAX_PIXELS.
    """
    from PIL import Image as pillow
    from PIL import ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pillow.DecompressionBombWarning)
            with pillow.open(io.BytesIO(data), formats=FORMATS) as image:
                size = image.size
                if size[0] * size[1] > MAX_PIXELS:
                    raise UnreadablePhotoError(f"It is too large to show: {size[0]:,} × {size[1]:,} pixels.")
                image.draft("RGB", (box[0] * 2, box[1] * 2))
                upright = ImageOps.exif_transpose(image)
                upright.thumbnail((box[0] * 4, box[1] * 4))
                rgb = upright.convert("RGB")
    except UnreadablePhotoError:
        raise
    except (pillow.DecompressionBombWarning, pillow.DecompressionBombError):
        raise UnreadablePhotoError("It is too large to show.") from None
    except Exception as error:
        # Pillow's decoders raise whatever the damage leads them to: OSError, SyntaxError, ValueError, struct.error …
        raise UnreadablePhotoError("Its bytes are not an image that can be shown.") from error
    wide, high = fitted(rgb.size, box)
    return rgb.resize((wide, high), pillow.Resampling.LANCZOS), size


def fitted(size: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    """The largest size of the same shape that fits the box; never under 1 × 1."""
    scale = min(box[0] / max(1, size[0]), box[1] / max(1, size[1]))
    return max(1, min(box[0], round(size[0] * scale))), max(1, min(box[1], round(size[1] * scale)))


def half_blocks(data: bytes, width: int, height: int) -> Picture:
    """The photo in at most ``width`` × ``height`` cells: every ``▀`` is two pixels, its ink above its paper.

    Raises:
        UnreadablePhotoError: as ``decode``.
    """
    image, pixels = decode(data, (max(1, width), max(1, height) * 2))
    return Picture(block_lines(image), image.width, pixels)


def block_lines(image: Image) -> tuple[Strip, ...]:
    """An RGB image with two of its rows in each line."""
    wide, high = image.size
    flat = image.tobytes()
    strips = []
    for y in range(0, high, 2):
        upper = flat[y * wide * 3 : (y + 1) * wide * 3]
        lower = flat[(y + 1) * wide * 3 : (y + 2) * wide * 3]
        strips.append(Strip(_block_line(upper, lower), wide))
    return tuple(strips)


def written_over(cells: Strip, sequence: str) -> Strip:
    """The line with what is written over it at its very end: cut by anything that lies over it, it is left out, and the
    cells show."""
    if not sequence:
        return cells
    return Strip([*cells, Segment(sequence, None, [(ControlType.CURSOR_FORWARD, 0)])], cells.cell_length)


def _block_line(upper: bytes, lower: bytes) -> list[Segment]:
    """Equal neighbours share one segment. A missing lower row leaves the paper as it is."""
    segments: list[Segment] = []
    last: bytes | None = None
    run = 0
    for at in range(0, len(upper), 3):
        pair = upper[at : at + 3] + lower[at : at + 3]
        if pair != last and last is not None:
            segments.append(_block(last, run))
            run = 0
        last, run = pair, run + 1
    if last is not None:
        segments.append(_block(last, run))
    return segments


def _block(pair: bytes, count: int) -> Segment:
    ink = Color.from_rgb(*pair[:3])
    paper = Color.from_rgb(*pair[3:]) if len(pair) == 6 else None
    return Segment("▀" * count, Style(color=ink, bgcolor=paper))


PLACEHOLDER = "\U0010eeee"
CHUNK = 4096
"""Bytes of base64 in one message, at most."""


def _numbers(ranges: str) -> tuple[str, ...]:
    found: list[str] = []
    for each in ranges.split():
        first, _, last = each.partition("-")
        found += map(chr, range(int(first, 16), int(last or first, 16) + 1))
    return tuple(found)


DIACRITICS = _numbers(
    "305 30d-30e 310 312 33d-33f 346 34a-34c 350-352 357 35b 363-36f 483-487 592-595 597-599 59c-5a1 5a8-5a9 5ab-5ac "
    "5af 5c4 610-617 657-65b 65d-65e 6d6-6dc 6df-6e2 6e4 6e7-6e8 6eb-6ec 730 732-733 735-736 73a 73d 73f-741 743 745 "
    "747 749-74a 7eb-7f1 7f3 816-819 81b-823 825-827 829-82d 951 953-954 f82-f83 f86-f87 135d-135f 17dd 193a 1a17 "
    "1a75-1a7c 1b6b 1b6d-1b73 1cd0-1cd2 1cda-1cdb 1ce0 1dc0-1dc1 1dc3-1dc9 1dcb-1dcc 1dd1-1de6 1dfe 20d0-20d1 "
    "20d4-20d7 20db-20dc 20e1 20e7 20e9 20f0 2cef-2cf1 2de0-2dff a66f a67c-a67d a6f0-a6f1 a8e0-a8f1 aab0 aab2-aab3 "
    "aab7-aab8 aabe-aabf aac1 fe20-fe26 10a0f 10a38 1d185-1d189 1d1aa-1d1ad 1d242-1d244"
)
"""The combining marks that stand for 0, 1, 2 …: the protocol's own list of rows and columns."""
MOST_CELLS = len(DIACRITICS)
"""Rows or columns of an image, at most."""


def transmission(image: Image, number: int, columns: int, rows: int) -> str:
    """Sends an RGB image as ``number`` (1 to 0xFFFFFF), to be shown in so many cells. The terminal answers nothing."""
    body = b64encode(zlib.compress(image.tobytes(), 1)).decode("ascii")
    chunks = [body[at : at + CHUNK] for at in range(0, len(body), CHUNK)]
    keys = f"a=T,U=1,q=2,f=24,o=z,i={number},s={image.width},v={image.height},c={columns},r={rows},"
    messages = []
    for at, chunk in enumerate(chunks):
        more = int(at + 1 < len(chunks))
        messages.append(f"\x1b_G{keys if at == 0 else 'q=2,'}m={more};{chunk}\x1b\\")
    return "".join(messages)


def deletion(number: int) -> str:
    """Frees an image in the terminal."""
    return f"\x1b_Ga=d,d=I,q=2,i={number}\x1b\\"


def placeholders(number: int, columns: int, rows: int) -> tuple[Strip, ...]:
    """The characters in whose cells the terminal shows the image; their colour is its number.

    Each is a segment of its own: Rich, cutting a longer one, may part a character from its marks.
    """
    style = Style(color=Color.from_rgb(number >> 16 & 255, number >> 8 & 255, number & 255))
    marks = DIACRITICS[:columns]
    return tuple(
        Strip([Segment(PLACEHOLDER + row + column, style) for column in marks], columns) for row in DIACRITICS[:rows]
    )


COLOURS = 128
BAND = 6
"""Pixels on top of one another in one sixel."""
RUN = re.compile(rb"(.)\1{3,}", re.DOTALL)
TO_TEXT = bytes(min(255, bits + 63) for bits in range(256))


def sixel_lines(image: Image, height: int) -> tuple[str, ...]:
    """The RGB image cut into lines of ``height`` pixels, each drawn from the cursor."""
    from PIL.Image import Dither

    few = image.quantize(COLOURS, dither=Dither.NONE)
    palette = few.getpalette() or []
    wide, high = few.size
    pixels = few.tobytes()
    rows = [pixels[y * wide : (y + 1) * wide] for y in range(high)]
    return tuple(_sixel_line(rows[y : y + height], palette) for y in range(0, high, height))


def _sixel_line(rows: list[bytes], palette: list[int]) -> str:
    """What is not drawn stays as it is (``1`` in the introducer), so that a last band may be thinner than six."""
    bands = b"-".join(_band(rows[y : y + BAND]) for y in range(0, len(rows), BAND))
    used = sorted(set(b"".join(rows)))
    colours = "".join(
        f"#{each};2;" + ";".join(str(round(part / 2.55)) for part in palette[each * 3 : each * 3 + 3]) for each in used
    )
    return f'\x1bP0;1;0q"1;1;{len(rows[0])};{len(rows)}{colours}{bands.decode("ascii")}\x1b\\'


def _band(rows: list[bytes]) -> bytes:
    """Up to six rows of pixels: for each colour, the sixels in which it stands."""
    return b"$".join(b"#%d%b" % (colour, _sixels(rows, colour)) for colour in sorted(set(b"".join(rows))))


def _sixels(rows: list[bytes], colour: int) -> bytes:
    bits = 0
    for y, row in enumerate(rows):
        if colour in row:
            only = bytearray(256)
            only[colour] = 1 << y
            bits |= int.from_bytes(row.translate(bytes(only)), "big")
    text = bits.to_bytes(len(rows[0]), "big").rstrip(b"\0").translate(TO_TEXT)
    return RUN.sub(lambda run: b"!%d%b" % (len(run[0]), run[1]), text)


LARGEST = (1600, 1200)
"""Pixels of a kitty image, at most: the terminal scales it, and keeps no more than some 300 MB of them."""
SWITCHED_OFF = 'Photos are switched off: photos = "off" in the configuration.'


class Painter:
    """One for each user of the terminal: it numbers the images that the terminal keeps."""

    def __init__(self, graphics: Graphics | None = None) -> None:
        self._graphics = graphics or Graphics()
        self._numbers = count(random.randrange(1, 1 << 23))

    @property
    def cell(self) -> tuple[int, int]:
        """The size of a character in pixels, where that decides the picture."""
        return self._graphics.cell if self._graphics.kind in ("kitty", "sixel") else (1, 2)

    def draw(self, data: bytes, width: int, height: int) -> Picture:
        """The photo in at most ``width`` × ``height`` cells.

        Raises:
            UnreadablePhotoError: it cannot be shown, or the user wants none to be.
        """
        width, height = max(1, width), max(1, height)
        if self._graphics.kind == "kitty":
            return self._kitty(data, width, height)
        if self._graphics.kind == "sixel":
            return self._sixel(data, width, height)
        if self._graphics.kind == "off":
            raise UnreadablePhotoError(SWITCHED_OFF)
        return half_blocks(data, width, height)

    def _kitty(self, data: bytes, width: int, height: int) -> Picture:

        wide, high = self.cell
        box = (min(width, MOST_CELLS) * wide, min(height, MOST_CELLS) * high)
        image, pixels = decode(data, fitted(box, LARGEST) if box[0] > LARGEST[0] or box[1] > LARGEST[1] else box)
        shown = fitted(image.size, box)
        columns, rows = _cells(shown, box, (wide, high))
        number = next(self._numbers)
        return Picture(
            block_lines(image.resize((columns, rows * 2))),
            columns,
            pixels,
            placed=placeholders(number, columns, rows),
            send=transmission(image, number, columns, rows),
            free=deletion(number),
        )

    def _sixel(self, data: bytes, width: int, height: int) -> Picture:
        from mls_tui.ui.widgets.photos import sixel_lines

        wide, high = self.cell
        box = (width * wide, height * high)
        image, pixels = decode(data, box)
        columns, rows = _cells(image.size, box, (wide, high))
        over = sixel_lines(image.resize((columns * wide, rows * high)), high)
        return Picture(block_lines(image.resize((columns, rows * 2))), columns, pixels, over=over)


def _cells(size: tuple[int, int], box: tuple[int, int], cell: tuple[int, int]) -> tuple[int, int]:
    """Columns and rows of an image of so many pixels; never more than the box has."""
    columns = min(box[0] // cell[0], max(1, round(size[0] / cell[0])))
    return columns, min(box[1] // cell[1], max(1, round(size[1] / cell[1])))


Fetch = Callable[[str], Awaitable[bytes | str]]
"""The bytes of a stored photo by its key, or a sentence that says why they cannot be had."""

KEPT_BYTES = 24
KEPT_LARGE, KEPT_SMALL = 12, 120
"""Pictures kept of each size: a terminal that shows pixels keeps them too."""
LARGE = 400
"""Cells from which a picture counts as large."""

Wanted = tuple[str, int, int, tuple[int, int]]


class PhotoShelf:
    """Answers a Picture, or a sentence that says why there is none."""

    def __init__(self, fetch: Fetch, painter: Painter | None = None, tell: Callable[[str], None] | None = None) -> None:
        self._fetch = fetch
        self._painter = painter or Painter()
        self._tell = tell
        self._bytes: OrderedDict[str, bytes] = OrderedDict()
        self._pictures: OrderedDict[Wanted, Picture] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()

    def forget(self) -> None:
        """Drop everything: photos were fetched again, or the screen is closed."""
        self._bytes.clear()
        for wanted in tuple(self._pictures):
            self._drop(wanted)

    def kept(self, photo: Photo, width: int, height: int) -> Picture | None:
        """A picture that needs no work."""
        wanted = (photo.key or "", width, height, self._painter.cell)
        if wanted in self._pictures:
            self._pictures.move_to_end(wanted)
        return self._pictures.get(wanted)

    async def picture(self, photo: Photo, width: int, height: int) -> Picture | str:
        if photo.key is None:
            return why_missing(photo)
        async with self._one_at_a_time:
            if (kept := self.kept(photo, width, height)) is not None:
                return kept
            data = await self._data(photo.key)
            if isinstance(data, str):
                return data
            wanted = (photo.key, width, height, self._painter.cell)
            try:
                picture = await asyncio.to_thread(self._painter.draw, data, width, height)
            except UnreadablePhotoError as error:
                return str(error)
            self._keep(wanted, picture)
        return picture

    def _keep(self, wanted: Wanted, picture: Picture) -> None:
        """The terminal hears of a picture before anything can show it."""
        if self._tell is not None and picture.send:
            self._tell(picture.send)
        self._pictures[wanted] = picture
        large = wanted[1] * wanted[2] >= LARGE
        alike = [each for each in self._pictures if (each[1] * each[2] >= LARGE) is large]
        for oldest in alike[: -(KEPT_LARGE if large else KEPT_SMALL)]:
            self._drop(oldest)

    def _drop(self, wanted: Wanted) -> None:
        picture = self._pictures.pop(wanted)
        if self._tell is not None and picture.free:
            self._tell(picture.free)

    async def _data(self, key: str) -> bytes | str:
        if key in self._bytes:
            self._bytes.move_to_end(key)
            return self._bytes[key]
        data = await self._fetch(key)
        if isinstance(data, bytes):
            self._bytes[key] = data
            if len(self._bytes) > KEPT_BYTES:
                self._bytes.popitem(last=False)
        return data


def why_missing(photo: Photo) -> str:
    """Why a photo is not stored, as the import noted it."""
    return (
        f"It could not be fetched: {clean(photo.error[:400], newlines=False)}"
        if photo.error
        else "It has not been fetched yet."
    )


LONGEST_NOTE = 400


class PhotoView(Widget, can_focus=False):
    """``show`` draws a photo off the event loop; a later call wins over one that still runs."""

    COMPONENT_CLASSES = {"photo-view--title", "photo-view--note"}  # noqa: RUF012 - Textual's own shape

    def __init__(self, shelf: PhotoShelf, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shelf = shelf
        self._photo: Photo | None = None
        self.picture: Picture | None = None
        self.lines: tuple[str, ...] = ()
        """The text shown without a picture; its first line is the headline."""

    def show(self, photo: Photo | None) -> None:
        self._photo = photo
        self.picture = None if photo is None else self._shelf.kept(photo, self.size.width, self.size.height)
        self.lines = ("No photos", "The MLS gives none for this listing.") if photo is None else ("…",)
        self.refresh()
        if photo is not None and self.picture is None and self.size.area:
            start_task(self, partial(self._draw, photo), "photo")

    async def _draw(self, photo: Photo) -> None:
        answer = await self._shelf.picture(photo, self.size.width, self.size.height)
        if photo is not self._photo:
            return
        if isinstance(answer, Picture):
            self.picture = answer
        else:
            self.lines = _why(photo, answer)
        self.refresh()

    def on_resize(self) -> None:
        if self._photo is not None:
            self.show(self._photo)

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        style = self.rich_style
        if self.picture is None:
            return self._written(y, width, height, style)
        top = (height - len(self.picture.strips)) // 2
        if not 0 <= y - top < len(self.picture.strips):
            return Strip.blank(width, style)
        left = (width - self.picture.width) // 2
        in_front = self.screen.is_active
        line = self.picture.line(y - top, in_front=in_front).apply_style(Style(bgcolor=style.bgcolor))
        cells = Strip([Segment(" " * left, style), *line]).adjust_cell_length(width, style)
        return written_over(cells, self.picture.over_line(y - top, width - left, in_front=in_front))

    def _written(self, y: int, width: int, height: int, style: Style) -> Strip:
        lines = [part for line in self.lines for part in _wrapped(line, width - 4)]
        at = y - (height - len(lines)) // 2
        if not 0 <= at < len(lines):
            return Strip.blank(width, style)
        name = "photo-view--title" if at == 0 and len(lines) > 1 else "photo-view--note"
        left = (width - cell_len(lines[at])) // 2
        shown = self.get_component_rich_style(name)
        return Strip([Segment(" " * left, style), Segment(lines[at], shown)]).adjust_cell_length(width, style)


def _why(photo: Photo, reason: str) -> tuple[str, ...]:
    """A photo that is stored and cannot be shown is not missing, and ``f`` would not fetch it."""
    if photo.stored:
        return f"Photo {photo.order + 1} cannot be shown", reason, "An import with --full reads it again."
    return f"Photo {photo.order + 1} is missing", reason, "Press f to fetch it again."


def _wrapped(text: str, width: int) -> list[str]:
    """At most four lines; words longer than a line are cut."""
    lines: list[str] = []
    line = ""
    for word in clean(text[:LONGEST_NOTE], newlines=False).split():
        short = one_line(word, max(1, width))
        if line and cell_len(line) + 1 + cell_len(short) > width:
            lines.append(line)
            line = short
        else:
            line = f"{line} {short}" if line else short
    return [*lines, line][:4]


THUMB = 12
GAP = 1


class Gallery(Widget, can_focus=False):
    """As many thumbnails as fit, the chosen one always among them and underlined."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"gallery--chosen", "gallery--number", "gallery--missing"}

    @dataclass
    class Chosen(Message):
        """The user clicked the photo with this index, from 0."""

        index: int

    chosen: reactive[int] = reactive(0)

    def __init__(self, shelf: PhotoShelf, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shelf = shelf
        self.photos: Sequence[Photo] = ()
        self._drawn: dict[int, Picture | None] = {}

    def show(self, photos: Sequence[Photo], chosen: int) -> None:
        self.photos = photos
        self._drawn = {}
        self.set_reactive(Gallery.chosen, chosen)
        self._draw_soon()

    def watch_chosen(self) -> None:
        self._draw_soon()

    def on_resize(self) -> None:
        self._drawn = {}
        self._draw_soon()

    @property
    def visible_range(self) -> range:
        """Indices of the photos whose thumbnails fit, the chosen one in the middle if there are more."""
        fits = max(1, (self.size.width + GAP) // (THUMB + GAP))
        first = max(0, min(self.chosen - fits // 2, len(self.photos) - fits))
        return range(first, min(len(self.photos), first + fits))

    def _draw_soon(self) -> None:
        self.refresh()
        if self.is_attached and self.size.area and self.photos:
            start_task(self, self._draw, "gallery")

    async def _draw(self) -> None:
        for index in self.visible_range:
            answer = await self._shelf.picture(self.photos[index], THUMB, max(1, self.size.height - 1))
            picture = answer if isinstance(answer, Picture) else None
            if index not in self._drawn or self._drawn[index] is not picture:
                self._drawn[index] = picture
                self.refresh()

    def render_line(self, y: int) -> Strip:
        style = self.rich_style
        segments: list[Segment] = []
        for index in self.visible_range:
            if segments:
                segments.append(Segment(" " * GAP, style))
            segments += self._number(index) if y == self.size.height - 1 else self._thumb(index, y)
        cells = Strip(segments).adjust_cell_length(self.size.width, style)
        return written_over(cells, "" if y == self.size.height - 1 else self._over(y))

    def _over(self, y: int) -> str:
        """The control sequences that draw the thumbnails of a line over its cells."""
        over = ""
        for place, index in enumerate(self.visible_range):
            picture = self._drawn.get(index)
            at = y - self._top(picture)
            if picture is not None and 0 <= at < len(picture.strips):
                left = place * (THUMB + GAP) + (THUMB - picture.width) // 2
                over += picture.over_line(at, self.size.width - left, in_front=self.screen.is_active)
        return over

    def _top(self, picture: Picture | None) -> int:
        """The line of the strip on which a thumbnail begins."""
        return 0 if picture is None else (max(1, self.size.height - 1) - len(picture.strips)) // 2

    def _number(self, index: int) -> list[Segment]:
        name = "gallery--chosen" if index == self.chosen else "gallery--number"
        sign = "▔" if index == self.chosen else " "
        return [Segment(f"{index + 1}".center(THUMB, sign), self.get_component_rich_style(name))]

    def _thumb(self, index: int, y: int) -> list[Segment]:
        style = self.rich_style
        height = max(1, self.size.height - 1)
        picture = self._drawn.get(index)
        if picture is None:
            missing = self.get_component_rich_style("gallery--missing")
            sign = "✗" if self.photos[index].key is None or index in self._drawn else "…"
            return [Segment(sign.center(THUMB) if y == height // 2 else " " * THUMB, missing)]
        at = y - self._top(picture)
        if not 0 <= at < len(picture.strips):
            return [Segment(" " * THUMB, style)]
        left = (THUMB - picture.width) // 2
        right = THUMB - picture.width - left
        line = picture.line(at, in_front=self.screen.is_active).apply_style(Style(bgcolor=style.bgcolor))
        return [Segment(" " * left, style), *line, Segment(" " * right, style)]

    def on_click(self, event: events.Click) -> None:
        event.stop()
        index = self.visible_range.start + event.x // (THUMB + GAP)
        if index in self.visible_range:
            self.post_message(self.Chosen(index))
