"""``python -m tests.promises.breaks [WORD…]``: makes each break (those whose line holds every word) in a copy of the
tree, runs its tests there, and says which noticed. 1 where a test did not fail; takes minutes, so it is no test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.promises.breaks import BREAKS, Break

ROOT = Path(__file__).parents[3]
COPIED = ("mls_tui", "tests", "pyproject.toml", "styles.tcss", "README.md", "screenshots")
MOST_SECONDS = 300
"""A test that hangs has noticed too."""


def main(words: list[str]) -> int:
    wanted = [each for each in BREAKS if all(word.lower() in _line(each).lower() for word in words)]
    if failing := _failing_unbroken(wanted):
        print("These fail before anything is broken, and so prove nothing:", *failing, sep="\n  ")
        return 1
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        unseen = sum(map(_tell, wanted, pool.map(_unnoticed, wanted)))
    print(f"{len(wanted) - unseen} of {len(wanted)} breaks were noticed by every test that promises to.")
    return 1 if unseen or not wanted else 0


def _line(each: Break) -> str:
    return f"{each.promise:>2}  {each.what}  ({each.file})"


def _tell(each: Break, unnoticed: list[str]) -> bool:
    print(f"{'MISSED' if unnoticed else 'seen  '}  {_line(each)}", *unnoticed, sep="\n            ", flush=True)
    return bool(unnoticed)


def _failing_unbroken(wanted: list[Break]) -> list[str]:
    with _tree() as tree:
        tests = sorted({f"tests/{test}" for each in wanted for test in each.tests})
        said = _pytest(tree, "-n", "auto", *tests).stdout if tests else ""
    return [line for line in said.splitlines() if line.startswith(("FAILED", "ERROR"))]


@contextmanager
def _tree() -> Iterator[Path]:
    """A copy of everything that the tests read."""
    with tempfile.TemporaryDirectory(prefix="mls-tui-break-") as name:
        for part in COPIED:
            _copy(ROOT / part, Path(name) / part)
        yield Path(name)


def _unnoticed(each: Break) -> list[str]:
    """The tests that passed all the same, or could not be run, with what pytest said."""
    with _tree() as tree:
        target = tree / "mls_tui" / each.file
        source = target.read_text(encoding="utf-8")
        assert source.count(each.old) == 1, f"the text to break stands {source.count(each.old)} times in {each.file}"
        target.write_text(source.replace(each.old, each.new), encoding="utf-8")
        return [f"{test} {said}" for test in each.tests if (said := _not_failing(tree, test))]


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    else:
        shutil.copy(source, target)


def _not_failing(tree: Path, test: str) -> str:
    """Empty where the test ran and failed. pytest says 1 then, 0 where all passed, else it could not run them."""
    try:
        done = _pytest(tree, "-n0", "-x", f"tests/{test}", seconds=MOST_SECONDS)
    except subprocess.TimeoutExpired:
        return ""
    if done.returncode == 1:
        return ""
    return "passes" if done.returncode == 0 else f"cannot be run: {done.stdout.strip().splitlines()[-1:]}"


def _pytest(tree: Path, *arguments: str, seconds: float | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-p", "no:cacheprovider", *arguments]
    environ = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "CI": "true"}
    return subprocess.run(command, cwd=tree, env=environ, capture_output=True, text=True, timeout=seconds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
