"""SVG frames to one animated GIF, drawn by ``rsvg-convert`` and Pillow. Nothing of it is needed to run the tests."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

WIDTH = 1_000
COLOURS = 64
CELL, ADVANCE = 12.2, 0.602
"""The width of a cell in the pictures, and of a letter of DejaVu Sans Mono as a share of its size."""
FRAME_MS = 350
LAST_FRAME_MS = 5_000


def write_gif(frames: Sequence[str], target: Path) -> str:
    """Write the frames; the last one stays. Answers a line that says what was written."""
    program = shutil.which("rsvg-convert")
    if program is None:
        return f"{target.name} was not drawn: install rsvg-convert (librsvg2-bin)"
    pictures = []
    for frame in frames:
        # rsvg-convert knows no textLength: at 20 px this font is narrower than a cell, and corners stand apart
        frame = frame.replace("font-size: 20px", f"font-size: {CELL / ADVANCE:.3f}px")
        drawn = subprocess.run([program, "-w", str(WIDTH)], input=frame.encode(), capture_output=True, check=True)
        pictures.append(Image.open(io.BytesIO(drawn.stdout)).convert("RGB"))
    palette = pictures[len(pictures) // 2].quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE)  # rare ones too: red
    flat = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    times = [FRAME_MS] * (len(flat) - 1) + [LAST_FRAME_MS]
    flat[0].save(target, save_all=True, append_images=flat[1:], duration=times, loop=0, optimize=True)
    return f"screenshots/{target.name}: {len(flat)} frames, {target.stat().st_size // 1000:,} kB"
