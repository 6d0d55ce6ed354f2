"""What the figures were measured on: they mean nothing without it."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("aiohttp", "boto3", "httpx", "obstore", "orjson", "textual")


def facts() -> str:
    """Processor, memory, load and versions, one a line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    lines = [
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} {platform.release()}",
        f"load {os.getloadavg()[0]:.1f} at the start; Python {platform.python_version()}, {_nginx()}",
        ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
    ]
    return "\n".join(lines)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _nginx() -> str:
    try:
        said = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=False).stderr
    except OSError:
        return "no nginx"
    return said.strip().rpartition(" ")[2]
