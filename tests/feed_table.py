"""Prints the cases of docs/reso-feeds.md with the tests that show each: ``python -m tests.feed_table``.

A test names its cases with ``@pytest.mark.feed(section, "case")``; section 0 is for cases that no section mentions.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).parent

Case = tuple[int, str]


def feed_cases() -> dict[Case, list[str]]:
    """The tests of each (section, case), as ``file::test`` below tests/."""
    found: dict[Case, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for decorator in node.decorator_list:
                    if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.feed":
                        section, case = (ast.literal_eval(argument) for argument in decorator.args)
                        found[section, case].append(f"{path.relative_to(TESTS)}::{node.name}")
    return dict(sorted(found.items()))


if __name__ == "__main__":
    for (section, case), tests in feed_cases().items():
        print(f"{section or '-'}  {case}")
        for test in tests:
            print(f"     {test}")
