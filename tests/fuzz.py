"""Runs the properties of what comes from outside for longer than the suite does: ``python -m tests.fuzz --minutes 30``.

They are the tests marked ``@pytest.mark.fuzz(target)``. Each runs in a process of its own, in turn, with many more
examples and other random ones each time, until the minutes are over. A process may take ten minutes and 2 GB.
What fails is printed with the smallest example that Hypothesis found; keep it as a test of its own.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

TESTS = Path(__file__).parent
EXAMPLES = 1_500
MOST_SECONDS = 600
MOST_BYTES = 2_000_000_000


def targets() -> dict[str, str]:
    """The target of each property, by its node id."""
    found: dict[str, str] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for each in node.decorator_list:
                    if isinstance(each, ast.Call) and ast.unparse(each.func) == "pytest.mark.fuzz":
                        found[f"{path.relative_to(TESTS.parent)}::{node.name}"] = ast.literal_eval(each.args[0])
    return found


def run(node: str, seconds: float) -> tuple[int, str]:
    """(examples that passed, what failed)."""
    command = [sys.executable, "-m", "pytest", "-n0", "-q", "-p", "no:logging", "-p", "no:cacheprovider"]
    command += ["--hypothesis-show-statistics", f"--hypothesis-seed={int.from_bytes(os.urandom(4))}", node]

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))

    try:
        done = subprocess.run(
            command,
            cwd=TESTS.parent,
            env={**os.environ, "FUZZ_EXAMPLES": str(EXAMPLES)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            preexec_fn=bounded,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 0, f"{node} did not end within {seconds:.0f} s"
    passed = sum(int(count) for count in re.findall(r"(\d+) passing", done.stdout))
    return passed, done.stdout if done.returncode else ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--only", help="a part of a target's name or of a test's")
    arguments = parser.parse_args()
    chosen = {
        node: target
        for node, target in targets().items()
        if (arguments.only or "").lower() in f"{target} {node}".lower()
    }
    ends, failed = time.monotonic() + 60 * arguments.minutes, 0
    while time.monotonic() < ends:
        for node, target in chosen.items():
            if time.monotonic() >= ends:
                break
            began = time.monotonic()
            passed, trouble = run(node, MOST_SECONDS)
            seconds = time.monotonic() - began
            print(f"{target}: {node.rpartition('::')[2]}: {passed:,} examples in {seconds:.0f} s", flush=True)
            if trouble:
                failed += 1
                print(trouble, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
