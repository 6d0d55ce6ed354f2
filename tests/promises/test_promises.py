"""Every promise names the tests that prove it, and every test named exists."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.promises.promises import PROMISES

TESTS = Path(__file__).parent.parent


@pytest.mark.parametrize("promise", sorted(PROMISES))
def test_every_test_that_a_promise_names_exists(promise: str) -> None:
    assert PROMISES[promise]
    for each in PROMISES[promise]:
        file, _, name = each.partition("::")
        tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert name in functions, each


def test_each_numbered_promise_is_there() -> None:
    numbers = {promise.split()[0] for promise in PROMISES}
    assert {str(number) for number in range(1, 17)} <= numbers
