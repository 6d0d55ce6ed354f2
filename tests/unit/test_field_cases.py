"""Each of FIELD.md's cases names the tests that show it, and every test named is there."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.unit.field_cases import CASES

TESTS = Path(__file__).resolve().parents[1]


@cache
def defined_in(file: str) -> frozenset[str]:
    tree = ast.parse((TESTS / file).read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("case", CASES)
def test_every_case_is_shown_by_tests_that_are_there(case: str) -> None:
    assert CASES[case]
    for named in CASES[case]:
        file, _, test = named.partition("::")
        assert test in defined_in(file), named


@pytest.mark.parametrize("section", ["§1", "§2", "§3", "§4", "§5", "§6", "§7"])
def test_no_section_is_left_out(section: str) -> None:
    assert sum(case.startswith(section) for case in CASES) >= 5
