"""What a filter's syntax tree says about a field before any row is read, so that an index can be used. Never a guess:
a hint holds for every row that can match, or it is not given."""

from __future__ import annotations

from typing import Any

from odata_query import ast

from mls_tui.demo.nodes import branches, instant


def allowed_values(node: ast._Node, field: str) -> set[str] | None:
    """The only strings that ``field`` can have in a matching row; None where the filter does not say."""
    if isinstance(node, ast.BoolOp):
        found = [allowed_values(branch, field) for branch in branches(node)]
        known = [values for values in found if values is not None]
        if isinstance(node.op, ast.And):
            return set.intersection(*known) if known else None
        return set().union(*known) if len(known) == len(found) else None
    if not isinstance(node, ast.Compare) or node.left != ast.Identifier(field):
        return None
    if isinstance(node.comparator, ast.Eq) and isinstance(node.right, ast.String):
        return {node.right.val}
    if isinstance(node.comparator, ast.In) and isinstance(node.right, ast.List):
        return {item.val for item in node.right.val if isinstance(item, ast.String)}
    return None


def lower_bound(node: ast._Node, field: str) -> Any:
    """The least value that ``field`` (a string or an instant) can have in a matching row; None where unknown."""
    if isinstance(node, ast.BoolOp):
        found = [lower_bound(branch, field) for branch in branches(node)]
        known = [bound for bound in found if bound is not None]
        if isinstance(node.op, ast.And):
            return max(known, default=None)
        return min(known) if len(known) == len(found) else None
    if not isinstance(node, ast.Compare) or node.left != ast.Identifier(field):
        return None
    if not isinstance(node.comparator, ast.Eq | ast.Gt | ast.GtE):
        return None
    if isinstance(node.right, ast.String):
        return node.right.val
    if isinstance(node.right, ast.DateTime):
        return instant(node.right.val)
    return None
