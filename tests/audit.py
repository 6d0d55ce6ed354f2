"""``python -m tests.audit``: asks the public advisory database, with pip-audit, whether a version in uv.lock is known
to be weak. 0: none is; 1: one is, or could not be judged; 2: skipped, as the database does not answer from here."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
import urllib.request
from pathlib import Path

LOCK = Path(__file__).parents[1] / "uv.lock"
TOOL = "pip-audit==2.10.1"
KNOWN = "https://pypi.org/pypi/jinja2/2.10/json"
"""A version whose weaknesses were published in 2019. Mirrors that serve packages alone answer nothing here, and
pip-audit then calls everything clean: it cannot tell a version without advisories from one that it found nowhere."""


def main() -> int:
    versions = locked(LOCK.read_text(encoding="utf-8"))
    if why := unanswered(KNOWN):
        print(f"SKIPPED: the advisory database cannot be asked from here: {why}. Nothing was learned of our versions.")
        return 2
    with tempfile.TemporaryDirectory(prefix="mls-tui-audit-") as folder:
        _run([sys.executable, "-m", "venv", folder])
        _run([f"{folder}/bin/python", "-m", "pip", "install", "-q", TOOL])
        weak = sum(_audited(Path(folder), each) for each in versions)
    print(f"{'NOT CLEAN, see above' if weak else 'No known weakness'}: {sum(map(len, versions))} locked versions.")
    return 1 if weak else 0


def unanswered(url: str) -> str:
    """Why the database's silence about our versions would mean nothing; empty where it knows an old weakness."""
    try:
        with urllib.request.urlopen(url, timeout=20) as reply:
            known = json.load(reply).get("vulnerabilities")
    except (OSError, ValueError) as error:
        return f"{url} says {error}"
    return "" if known else f"{url} tells of no weakness"


def locked(lock: str) -> list[list[str]]:
    """``name==version`` of every package of the lock but our own. A name stands once in each list, as pip-audit wants:
    what is locked twice, for two versions of Python, stands in the second."""
    lists: list[dict[str, str]] = [{}]
    for package in tomllib.loads(lock)["package"]:
        if "registry" not in package["source"]:
            continue
        free = next((each for each in lists if package["name"] not in each), None)
        if free is None:
            lists.append(free := {})
        free[package["name"]] = package["version"]
    return [[f"{name}=={version}" for name, version in each.items()] for each in lists]


def _audited(folder: Path, versions: list[str]) -> bool:
    """Whether pip-audit found something, or had to leave one out."""
    listed = folder / "versions.txt"
    listed.write_text("\n".join(versions), encoding="utf-8")
    command = [f"{folder}/bin/pip-audit", "-r", str(listed), "--no-deps", "--disable-pip", "--strict"]
    return subprocess.run(command, check=False).returncode != 0


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    sys.exit(main())
