"""A holder counts as gone only if this host can prove it."""

from __future__ import annotations

import os
import subprocess
import sys

from mls_tui.storage.leases import holder_is_gone, process_start, this_lease


def ended_pid() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_own_lease_is_alive() -> None:
    assert not holder_is_gone(this_lease("r", 1))
    assert this_lease("r", 1).pid == os.getpid()


def test_ended_process_on_this_host_is_gone() -> None:
    assert holder_is_gone(this_lease("r", 1).model_copy(update={"pid": ended_pid()}))


def test_process_of_another_host_counts_as_alive() -> None:
    assert not holder_is_gone(this_lease("r", 1).model_copy(update={"pid": ended_pid(), "host": "elsewhere"}))


def test_pid_used_again_is_another_process() -> None:
    assert process_start(os.getpid()) == process_start(os.getpid())
    assert holder_is_gone(this_lease("r", 1).model_copy(update={"process_started": "some other time"}))


def test_holder_that_did_not_say_when_it_began_counts_as_alive() -> None:
    assert not holder_is_gone(this_lease("r", 1).model_copy(update={"process_started": ""}))


def test_zombie_is_gone() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.read()
    lease = this_lease("r", 1).model_copy(update={"pid": process.pid, "process_started": ""})
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert holder_is_gone(lease)
    process.wait()
