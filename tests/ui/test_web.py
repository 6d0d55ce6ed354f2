"""In a browser (``textual serve``) the interface speaks in packets over pipes: nothing of ours may be written past
them, and what only a terminal has is left alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

DRIVER = "textual.drivers.web_driver:WebDriver"


def packet(kind: bytes, payload: bytes) -> bytes:
    return kind + len(payload).to_bytes(4, "big") + payload


def packets(stream: bytes) -> list[tuple[bytes, bytes]]:
    """The packets of a stream, which must hold nothing else."""
    found = []
    while stream:
        kind, size = stream[:1], int.from_bytes(stream[1:5], "big")
        assert kind in (b"D", b"M", b"P"), stream[:80]
        assert len(stream) >= 5 + size
        found.append((kind, stream[5 : 5 + size]))
        stream = stream[5 + size :]
    return found


def test_a_browser_gets_whole_packets_and_half_blocks_and_its_quit_ends_the_program(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "MLS_TUI_HOME": str(tmp_path), "TEXTUAL_DRIVER": DRIVER,
           "TERM": "xterm-kitty", "COLUMNS": "100", "ROWS": "30", "TEXTUAL_COLOR_SYSTEM": "truecolor"}  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-m", "mls_tui"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        seen = b""
        while b"Quit" not in seen:
            more = os.read(program.stdout.fileno(), 65536)
            assert more, seen[-200:]
            seen += more
        program.stdin.write(packet(b"D", b"?") + packet(b"M", json.dumps({"type": "quit"}).encode()))
        program.stdin.flush()
        rest, said = program.communicate(timeout=30)
    assert program.returncode == 0
    assert said == b""
    begin, _, stream = (seen + rest).partition(b"__GANGLION__\n")
    assert begin == b""
    found = packets(stream)
    drawn = b"".join(payload for kind, payload in found if kind == b"D")
    assert b"Listings" in drawn
    assert b"\x1b_G" not in drawn
    assert (b"M", b'{"type": "exit"}') in found
