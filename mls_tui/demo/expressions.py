"""The visitor that turns an odata-query tree into typed closures: operators, lambdas, null's rules. Reads no row."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from odata_query import ast
from odata_query.visitor import NodeVisitor

from mls_tui.demo.errors import bad_request
from mls_tui.demo.functions import FUNCTIONS
from mls_tui.demo.nodes import branches, instant
from mls_tui.demo.schema import ENTITIES, EntityType, Field

Evaluate = Callable[[Any], Any]
_KINDS = {"Int32": "number", "Decimal": "number", "Double": "number", "String": "string", "Boolean": "bool"}
_KINDS |= {"Date": "date", "DateTimeOffset": "datetime"}
_ORDERED: dict[type, Callable[[Any, Any], Any]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
}
_ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}


@dataclass(frozen=True, slots=True)
class Expression:
    """A typed value of a row: kind string, number, bool, date, datetime, duration, time, null, list or collection."""

    kind: str
    evaluate: Evaluate
    field: Field | None = None
    target: EntityType | None = None


def _read(kind: str, value: Any) -> Any:
    """A JSON value as what expressions of ``kind`` compute with."""
    if value is None or kind not in ("date", "datetime"):
        return value
    return datetime.fromisoformat(value) if kind == "datetime" else date.fromisoformat(value)


class Walker(NodeVisitor):  # type: ignore[misc, unused-ignore]
    """Compiles one filter for one entity type. ``names`` are the variables of the lambdas around a node."""

    def __init__(self, entity: EntityType, now: Callable[[], datetime]) -> None:
        self.entity = entity
        self.now = now
        self.names: dict[str, Expression] = {}

    def visit(self, node: ast._Node) -> Any:
        method = getattr(self, f"visit_{type(node).__name__}", None)
        if method is None:
            raise bad_request(f"$filter: {type(node).__name__} is not supported")
        return method(node)

    # names

    def visit_Identifier(self, node: ast.Identifier) -> Expression:
        if node.name in self.names:
            return self.names[node.name]
        return self._field(self.entity, _name(node), lambda row: row)

    def visit_Attribute(self, node: ast.Attribute) -> Expression:
        owner = self.visit(node.owner)
        if owner.target is None or owner.kind != "entity":
            raise bad_request(f"$filter: {node.attr} is not a property here")
        return self._field(owner.target, node.attr, owner.evaluate)

    def _field(self, entity: EntityType, name: str, owner: Evaluate) -> Expression:
        """A structural or navigation property of what ``owner`` gives (a row, a record or None)."""
        link = entity.navigations.get(name)

        def get(row: Any) -> Any:
            item = owner(row)
            if item is None or isinstance(item, dict):
                return item and item.get(name)
            return item.value(name)

        if link is not None:
            return Expression("collection" if link.collection else "entity", get, target=ENTITIES[link.target])
        field = entity.fields.get(name)
        if field is None:
            raise bad_request(f"Could not find a property named '{name}' on type '{entity.name}'")
        kind = _KINDS[field.edm]
        if field.collection:
            return Expression("collection", get, field)
        if kind in ("date", "datetime"):
            return Expression(kind, lambda row: _read(kind, get(row)), field)
        return Expression(kind, get, field)

    # literals

    def visit_Null(self, node: ast.Null) -> Expression:
        return Expression("null", lambda row: None)

    def visit_String(self, node: ast.String) -> Expression:
        return _constant("string", node.val)

    def visit_GUID(self, node: ast.GUID) -> Expression:
        return _constant("string", node.val)

    def visit_Integer(self, node: ast.Integer) -> Expression:
        return _constant("number", int(node.val))

    def visit_Float(self, node: ast.Float) -> Expression:
        return _constant("number", float(Decimal(node.val)))

    def visit_Boolean(self, node: ast.Boolean) -> Expression:
        return _constant("bool", node.py_val)

    def visit_DateTime(self, node: ast.DateTime) -> Expression:
        return _constant("datetime", instant(node.val))

    def visit_Date(self, node: ast.Date) -> Expression:
        try:
            return _constant("date", date.fromisoformat(node.val))
        except ValueError as error:
            raise bad_request(f"{node.val} is not a date") from error

    def visit_Time(self, node: ast.Time) -> Expression:
        return _constant("time", time.fromisoformat(node.val))

    def visit_Duration(self, node: ast.Duration) -> Expression:
        return _constant("duration", node.py_val)

    def visit_List(self, node: ast.List) -> Expression:
        items = [self.visit(item) for item in node.val]
        if not items or len({item.kind for item in items} - {"null"}) > 1:
            raise bad_request("$filter: the values of a list must be of one type")
        kinds = {item.kind for item in items} - {"null"}
        return Expression(kinds.pop() if kinds else "null", lambda row: [item.evaluate(row) for item in items])

    # operators

    def visit_BoolOp(self, node: ast.BoolOp) -> Expression:
        parts = [self._condition(branch) for branch in branches(node)]
        decisive = isinstance(node.op, ast.Or)

        def evaluate(row: Any) -> bool | None:
            answer: bool | None = not decisive
            for part in parts:
                found: bool | None = part(row)
                if found is decisive:
                    return decisive
                if found is None:
                    answer = None
            return answer

        return Expression("bool", evaluate)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Expression:
        if isinstance(node.op, ast.Not):
            condition = self._condition(node.operand)
            return Expression("bool", lambda row: None if (found := condition(row)) is None else not found)
        inner = self.visit(node.operand)
        if inner.kind != "number":
            raise bad_request("$filter: only a number can be negated")
        return Expression("number", lambda row: None if (found := inner.evaluate(row)) is None else -found)

    def _condition(self, node: ast._Node) -> Evaluate:
        found: Expression = self.visit(node)
        if found.kind not in ("bool", "null"):
            raise bad_request(f"$filter: a condition was expected, not a {found.kind}")
        return found.evaluate

    def visit_Compare(self, node: ast.Compare) -> Expression:
        kind, left, right = _alike(self.visit(node.left), self.visit(node.right))
        if isinstance(node.comparator, ast.In):
            if not isinstance(node.right, ast.List):
                raise bad_request("$filter: in needs a list in parentheses")
            return Expression("bool", lambda row: left(row) in right(row))
        if isinstance(node.comparator, ast.Eq):
            return Expression("bool", lambda row: left(row) == right(row))
        if isinstance(node.comparator, ast.NotEq):
            return Expression("bool", lambda row: left(row) != right(row))
        compare = _ORDERED[type(node.comparator)]
        if kind == "bool":
            raise bad_request("$filter: booleans have no order")

        def evaluate(row: Any) -> bool:
            a, b = left(row), right(row)
            return a is not None and b is not None and compare(a, b)

        return Expression("bool", evaluate)

    def visit_BinOp(self, node: ast.BinOp) -> Expression:
        left, right = self.visit(node.left), self.visit(node.right)
        numbers = left.kind == right.kind == "number"
        moved = left.kind == "datetime" and right.kind == "duration" and isinstance(node.op, ast.Add | ast.Sub)
        if not numbers and not moved:
            raise bad_request(f"$filter: no arithmetic with a {left.kind} and a {right.kind}")
        compute = _ARITHMETIC[type(node.op)]

        def evaluate(row: Any) -> Any:
            a, b = left.evaluate(row), right.evaluate(row)
            try:
                return None if a is None or b is None else compute(a, b)
            except (ArithmeticError, ValueError):
                return None

        return Expression(left.kind, evaluate)

    def visit_Call(self, node: ast.Call) -> Expression:
        name = _name(node.func).lower()
        if name == "now":
            return Expression("datetime", lambda row: self.now())
        found = FUNCTIONS.get(name)
        if found is None:
            raise bad_request(f"$filter: the function {name} is not supported")
        arguments = [self.visit(argument) for argument in node.args]
        for argument, allowed in zip(arguments, found.takes, strict=False):
            if argument.kind not in (*allowed, "null"):
                raise bad_request(f"$filter: {name} does not take a {argument.kind}")

        def evaluate(row: Any) -> Any:
            values = [argument.evaluate(row) for argument in arguments]
            return None if None in values else found.compute(*values)

        return Expression(found.gives, evaluate)

    def visit_CollectionLambda(self, node: ast.CollectionLambda) -> Expression:
        owner = self.visit(node.owner)
        if owner.kind != "collection":
            raise bad_request("$filter: any and all need a collection")
        if node.lambda_ is None:
            return Expression("bool", lambda row: bool(owner.evaluate(row)))
        cell: list[Any] = [None]
        kind = "entity" if owner.target else "string"
        outer = self.names
        variable = Expression(kind, lambda row: cell[0], owner.field, owner.target)
        self.names = outer | {node.lambda_.identifier.name: variable}
        try:
            body = self._condition(node.lambda_.expression)
        finally:
            self.names = outer
        gather = any if isinstance(node.operator, ast.Any) else all

        def test(row: Any, item: Any) -> bool:
            cell[0] = item
            return body(row) is True

        return Expression("bool", lambda row: gather(test(row, item) for item in owner.evaluate(row) or ()))


def _name(node: ast.Identifier) -> str:
    return ".".join((*node.namespace, node.name))


def _constant(kind: str, value: Any) -> Expression:
    return Expression(kind, lambda row: value)


def _alike(left: Expression, right: Expression) -> tuple[str, Evaluate, Evaluate]:
    """Both sides as comparable values; a date beside an instant is its midnight in UTC. Raises ODataError (400)."""
    kinds = {left.kind, right.kind} - {"null"}
    if kinds & {"collection", "entity"}:
        raise bad_request("$filter: a collection cannot be compared; use any or all")
    if kinds == {"date", "datetime"}:
        return "datetime", _midnight(left), _midnight(right)
    if len(kinds) > 1:
        raise bad_request(f"$filter: a {left.kind} cannot be compared with a {right.kind}")
    return (kinds.pop() if kinds else "null"), left.evaluate, right.evaluate


def _midnight(side: Expression) -> Evaluate:
    def one(value: Any) -> Any:
        return datetime.combine(value, time(), UTC) if type(value) is date else value

    def evaluate(row: Any) -> Any:
        value = side.evaluate(row)
        return [one(item) for item in value] if isinstance(value, list) else one(value)

    return evaluate
