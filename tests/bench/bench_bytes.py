"""How much an import sends to the terminal: ``python -m tests.bench.bench_bytes``.

A weak line carries some 30 kB a second. The demo is imported for real, in a pseudo-terminal of 120 x 36.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.ui.terminals import MUTE, Terminal, terminal

SECONDS = 8.0


def sent(shown: Terminal, seconds: float = SECONDS) -> float:
    """Kilobytes a second from now on."""
    before, began = len(shown.written), time.monotonic()
    while time.monotonic() < began + seconds:
        shown._listen(0.1)
    return (len(shown.written) - before) / seconds / 1000


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        size = (120, 36)
        with terminal(MUTE, "demo", "--listings=2000", home=Path(home), size=size, COLORTERM="truecolor") as shown:
            shown.until(lambda written: b"created, " in written)
            print(f"progress: {sent(shown):.1f} kB/s (at most 25)")
            shown.type(b"1")
            sent(shown, 2)
            print(f"connections: {sent(shown):.1f} kB/s (at most 10)")
            shown.type(b"2")
            sent(shown, 3)
            print(f"listings: {sent(shown):.1f} kB/s (at most 10)")
            shown.type(b"q")
            shown.ended()


if __name__ == "__main__":
    main()
