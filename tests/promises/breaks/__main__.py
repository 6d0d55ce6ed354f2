"""``python -m tests.promises.breaks [WORD…]``: makes each break (those whose line holds every word) in a copy of the
tree, runs its tests there, and says which noticed. 1 where a test did not fail; takes minutes, so it is no test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.promises.breaks import BREAKS, Break

ROOT = Path(__file__).parents[3]
COPIED = ("mls_tui", "tests", "pyproject.toml", "styles.tcss", "README.md", "screenshots")
MOST_SECONDS = 300
"""A test that hangs has noticed too."""


def main(words: list[str]) -> int:
    wanted = [each for each in BREAKS if all(word.lower() in _line(each).lower() for word in words)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        unseen = sum(map(_tell, wanted, pool.map(_unnoticed, wanted)))
    print(f"{len(wanted) - unseen} of {len(wanted)} breaks were noticed by every test that promises to.")
    return 1 if unseen or not wanted else 0


def _line(each: Break) -> str:
    return f"{each.promise:>2}  {each.what}  ({each.file})"


def _tell(each: Break, unnoticed: list[str]) -> bool:
    print(f"{'MISSED' if unnoticed else 'seen  '}  {_line(each)}", *unnoticed, sep="\n            ", flush=True)
    return bool(unnoticed)


def _unnoticed(each: Break) -> list[str]:
    """The tests that passed all the same, or could not be run."""
    with tempfile.TemporaryDirectory(prefix="mls-tui-break-") as name:
        tree = Path(name)
        for part in COPIED:
            _copy(ROOT / part, tree / part)
        target = tree / "mls_tui" / each.file
        source = target.read_text(encoding="utf-8")
        assert source.count(each.old) == 1, f"the text to break stands {source.count(each.old)} times in {each.file}"
        target.write_text(source.replace(each.old, each.new), encoding="utf-8")
        return [test for test in each.tests if not _fails(tree, test)]


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    else:
        shutil.copy(source, target)


def _fails(tree: Path, test: str) -> bool:
    """Whether the test ran and failed; pytest says 1 then, and other numbers where it could not run it."""
    command = [sys.executable, "-m", "pytest", "-n0", "-q", "-x", "--tb=no", "-p", "no:cacheprovider", f"tests/{test}"]
    environ = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "CI": "true"}
    try:
        return subprocess.run(command, cwd=tree, env=environ, capture_output=True, timeout=MOST_SECONDS).returncode == 1
    except subprocess.TimeoutExpired:
        return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
