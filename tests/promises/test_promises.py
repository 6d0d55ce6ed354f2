"""Each promise of the README has tests: those marked ``@pytest.mark.promise(number)``.

``pytest -m promise`` runs all of them.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent.parent
README = TESTS.parent / "README.md"


def _marked() -> dict[int | str, list[str]]:
    """The names of the tests of each promise."""
    found: dict[int | str, list[str]] = {}
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for decorator in node.decorator_list:
                    if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.promise":
                        for argument in decorator.args:
                            found.setdefault(ast.literal_eval(argument), []).append(node.name)
    return found


def test_every_numbered_promise_of_the_readme_has_tests() -> None:
    section = README.read_text(encoding="utf-8").partition("## How it keeps your data")[2].partition("\n## ")[0]
    numbers = {int(number) for number in re.findall(r"^(\d+)\. ", section, re.MULTILINE)}
    assert numbers == set(range(1, 17))
    assert numbers <= set(_marked())


def test_the_other_promises_have_tests() -> None:
    others = {"secrets at rest", "secrets nowhere else", "sign-in", "hostile addresses", "hostile bodies"}
    assert others | {"hostile text", "logs"} <= set(_marked())
