"""Who holds a lease, and whether that process still exists. A process on another host, or one that cannot be looked at,
counts as running until its lease expires."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import uuid
from pathlib import Path

from mls_tui.domain.connection import Lease

_FIRST_PID_NAMESPACE = "pid:[4026531836]"
_START_FIELD = 19
"""Field 22 of /proc/<pid>/stat (proc(5): starttime), counted after the closing bracket of the command's name."""


WORKERS = "the workers"
"""The ``host`` of a lease whose run waits for a worker."""


def this_lease(run_id: str, expires_at: int, holder: str = "") -> Lease:
    """A lease for a run in this process, until ``expires_at`` (epoch ms)."""
    pid = os.getpid()
    return Lease(
        run_id=run_id,
        holder=holder or uuid.uuid4().hex,
        host=host_name(),
        pid=pid,
        process_started=process_start(pid) or "",
        expires_at=expires_at,
    )


def reserved_for(run_sk: str) -> Lease:
    """The lease to report for a connection that the run under this sort key has reserved."""
    return Lease(run_id=run_sk.rpartition("#")[2], host=WORKERS, pid=0, expires_at=0)


def host_name() -> str:
    """This machine, and in a container its process namespace too: a pid means nothing outside it."""
    name = socket.gethostname()
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return name
    return name if namespace == _FIRST_PID_NAMESPACE else f"{name}/{namespace}"


def process_start(pid: int) -> str | None:
    """When a process began, as text that differs for another process of the same pid; None if unknown."""
    if sys.platform == "linux":
        try:
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            return f"{boot}:{_stat(pid)[_START_FIELD]}"
        except (OSError, IndexError):
            return None
    if os.name != "posix":
        return None
    answer = subprocess.run(  # noqa: S603 - a fixed program; pid is a number
        ["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False, timeout=5
    )
    return answer.stdout.strip() or None


def holder_is_gone(lease: Lease) -> bool:
    """True if the holder's process ran on this host and no longer exists."""
    if lease.host != host_name() or lease.pid <= 0:
        return False
    if not process_exists(lease.pid):
        return True
    started = process_start(lease.pid)
    return bool(started and lease.process_started and started != lease.process_started)


def process_exists(pid: int) -> bool:
    """True if a process of this pid exists on this host, or if that cannot be found out."""
    if os.name != "posix":
        # os.kill(pid, 0) would end the process on Windows.
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    try:
        # A zombie has ended; its parent has not read its exit status yet.
        return _stat(pid)[0] not in "ZX"
    except (OSError, IndexError):
        return True


def _stat(pid: int) -> list[str]:
    """Fields of /proc/<pid>/stat from the state on. Raises OSError if there is no such file."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
