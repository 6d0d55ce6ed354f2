"""``$filter`` as SQL: odata-query's SQLite visitor, with types, bound values and OData's rules for null.

Null follows OData 4.01 §5.1.1: a comparison with null is false (``eq null`` and ``ne null`` apart), a function of null
is null, and only a condition that is true keeps the row.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from odata_query import ast
from odata_query.exceptions import ODataException, ParsingException, TokenizingException, UnknownFunctionException
from odata_query.grammar import ODataLexer, ODataParser
from odata_query.sql.sqlite import AstToSqliteSqlVisitor

from mls_tui.demo.schema import ENTITIES, EntityType, Navigation

_LONGEST = 60_000
_ENUM_PREFIX = re.compile(r"'(?:[^']|'')*'|\b(?!duration'|geography')[A-Za-z_][\w.]*\.[A-Za-z_]\w*(?=')")
_LIST_OF_ONE = re.compile(r"'(?:[^']|'')*'|(\sin\s*\(\s*(?:'(?:[^']|'')*'|[^,()'\s]+))\s*\)", re.IGNORECASE)
_LONG_FRACTION = re.compile(r"(\.\d{6})\d+")

_KINDS = {"Int32": "number", "Decimal": "number", "Double": "number", "String": "string", "Boolean": "boolean"}
_KINDS |= {"Date": "date", "DateTimeOffset": "datetime"}
_TEXT, _DAY, _CLOCK, _NUMBER = ("string",), ("date", "datetime"), ("datetime", "time"), ("number",)
_FUNCTIONS: dict[str, tuple[str, tuple[tuple[str, ...], ...]]] = {
    "contains": ("boolean", (_TEXT, _TEXT)),
    "startswith": ("boolean", (_TEXT, _TEXT)),
    "endswith": ("boolean", (_TEXT, _TEXT)),
    "indexof": ("number", (_TEXT, _TEXT)),
    "concat": ("string", (_TEXT, _TEXT)),
    "length": ("number", (_TEXT,)),
    "tolower": ("string", (_TEXT,)),
    "toupper": ("string", (_TEXT,)),
    "trim": ("string", (_TEXT,)),
    "substring": ("string", (_TEXT, _NUMBER, _NUMBER)),
    "year": ("number", (_DAY,)),
    "month": ("number", (_DAY,)),
    "day": ("number", (_DAY,)),
    "hour": ("number", (_CLOCK,)),
    "minute": ("number", (_CLOCK,)),
    "second": ("number", (_CLOCK,)),
    "fractionalseconds": ("number", (_CLOCK,)),
    "date": ("date", (("datetime",),)),
    "time": ("time", (("datetime",),)),
    "round": ("number", (_NUMBER,)),
    "floor": ("number", (_NUMBER,)),
    "ceiling": ("number", (_NUMBER,)),
    "now": ("datetime", ()),
}
"""What each function gives, and the types that it takes."""


class ODataError(Exception):
    """Becomes ``{"error": {"code", "message"}}`` with ``status``."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def bad_request(message: str) -> ODataError:
    """A query that the server does not understand."""
    return ODataError(400, "BadRequest", message)


def sql_time(moment: datetime) -> str:
    """An instant as the tables hold it: UTC with microseconds, so that text sorts as time does."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f").rjust(26, "0")


def read_time(text: str) -> datetime:
    """An Edm.DateTimeOffset; without an offset it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(_LONG_FRACTION.sub(r"\1", text.upper()))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class WhereClause:
    """A ``WHERE`` clause, its values by name, and the (resource, field) pairs that it reads."""

    sql: str
    values: dict[str, Any]
    reads: frozenset[tuple[str, str]]


def compile_filter(text: str, entity: EntityType, now: Callable[[], datetime]) -> WhereClause:
    """Compile ``text`` for the table of ``entity``.

    Raises:
        ODataError: 400 for syntax, an unknown field or function, or operands of different types.
    """
    if len(text) > _LONGEST:
        raise ODataError(400, "FilterTooLong", f"$filter is longer than {_LONGEST} characters")
    try:
        visitor = _ToSql(entity, now)
        condition = visitor.condition(_parse(text))
    except RecursionError as error:
        raise bad_request("$filter is nested too deeply") from error
    return WhereClause(str(condition), visitor.values, frozenset(visitor.reads))


def _parse(text: str) -> ast._Node:
    """The syntax tree. ``Namespace.EnumType'Member'`` is read as its member's name, ``in ('x')`` as a list of one."""
    plain = _ENUM_PREFIX.sub(lambda found: found[0] if found[0].startswith("'") else "", text.strip())
    plain = _LIST_OF_ONE.sub(lambda found: f"{found[1]},)" if found[1] else found[0], plain)
    try:
        tree = ODataParser().parse(ODataLexer().tokenize(plain))
    except UnknownFunctionException as error:
        raise bad_request(f"$filter: the function {error.function_name[:40]} is not supported") from error
    except (TokenizingException, ParsingException) as error:
        place = getattr(error.token, "index", None)
        rest = plain[place:].strip()[:40] if isinstance(place, int) else ""
        raise bad_request(f"$filter cannot be read near '{rest}'" if rest else "$filter ends too early") from error
    except (ODataException, NotImplementedError) as error:
        raise bad_request("$filter cannot be read") from error
    if not isinstance(tree, ast._Node):
        raise bad_request("$filter is empty")
    return tree


class Sql(str):
    """A piece of SQL and the type of its value. ``entity`` is set for a row of another resource (kind "row") and for
    a navigation property (kind "entity" or "collection", the text being the key that leads to it)."""

    kind: str
    entity: EntityType | None
    link: Navigation | None

    def __new__(cls, text: str, kind: str, entity: EntityType | None = None, link: Navigation | None = None) -> Sql:
        made = super().__new__(cls, text)
        made.kind, made.entity, made.link = kind, entity, link
        return made


class _ToSql(AstToSqliteSqlVisitor):  # type: ignore[misc, unused-ignore]
    """Translates one filter. Every ``visit`` gives an ``Sql``; the same node is translated once."""

    def __init__(self, entity: EntityType, now: Callable[[], datetime]) -> None:
        super().__init__(entity.name)
        self.values: dict[str, Any] = {}
        self.reads: set[tuple[str, str]] = set()
        self._now = now
        self._entity = entity
        self._row = Sql(f'"{entity.name}"', "row", entity)
        self._variables: dict[str, Sql] = {}
        self._done: dict[int, Sql] = {}
        self._negated = 0

    def visit(self, node: ast._Node) -> Sql:
        found = self._done.get(id(node))
        if found is None:
            method = getattr(self, f"visit_{type(node).__name__}", None)
            if method is None:
                raise bad_request(f"$filter: {type(node).__name__} is not supported")
            text = method(node)
            found = self._done[id(node)] = text if isinstance(text, Sql) else Sql(text, "word")
        return found

    def condition(self, node: ast._Node) -> Sql:
        """A node that must be true or false."""
        found = self.visit(node)
        if found.kind not in ("boolean", "null"):
            raise bad_request(f"$filter: a condition was expected, not a {found.kind}")
        return found

    # names

    def visit_Identifier(self, node: ast.Identifier) -> Sql:
        name = ".".join((*node.namespace, node.name))
        return self._variables[name] if name in self._variables else self._property(self._row, name)

    def visit_Attribute(self, node: ast.Attribute) -> Sql:
        owner = self.visit(node.owner)
        if owner.kind not in ("row", "entity"):
            raise bad_request(f"$filter: {node.attr} is not a property here")
        return self._property(owner, node.attr)

    def _property(self, owner: Sql, name: str) -> Sql:
        """A field or navigation property of a row, or of the row that a navigation property leads to."""
        entity = owner.entity or self._entity
        link = entity.navigations.get(name)
        field = entity.fields.get(link.column if link else name)
        if field is None:
            raise bad_request(f"Could not find a property named '{name[:80]}' on type '{entity.name}'")
        self.reads.add((entity.name, field.name))
        column = f'{owner}."{field.name}"'
        if owner.link is not None:
            column = f'(SELECT "{field.name}" FROM "{entity.name}" WHERE "{owner.link.target_column}" = {owner})'
        if link is not None:
            self.reads.add((link.target, link.target_column))
            return Sql(column, "collection" if link.collection else "entity", ENTITIES[link.target], link)
        return Sql(column, "collection" if field.collection else _KINDS[field.edm])

    # literals

    def _value(self, kind: str, value: Any) -> Sql:
        name = f"v{len(self.values)}"
        self.values[name] = value
        return Sql(f":{name}", kind)

    def visit_Null(self, node: ast.Null) -> Sql:
        return Sql("NULL", "null")

    def visit_String(self, node: ast.String | ast.GUID) -> Sql:
        return self._value("string", node.val)

    visit_GUID = visit_String

    def visit_Integer(self, node: ast.Integer | ast.Float) -> Sql:
        try:
            number = int(node.val)
        except ValueError:
            number = 1 << 64
        return self._value("number", number if -(1 << 63) <= number < 1 << 63 else float(node.val[:400]))

    visit_Float = visit_Integer

    def visit_Boolean(self, node: ast.Boolean) -> Sql:
        return self._value("boolean", int(node.py_val))

    def visit_DateTime(self, node: ast.DateTime) -> Sql:
        return self._literal("datetime", node.val, lambda text: sql_time(read_time(text)))

    def visit_Date(self, node: ast.Date) -> Sql:
        return self._literal("date", node.val, lambda text: date.fromisoformat(text).isoformat())

    def visit_Time(self, node: ast.Time) -> Sql:
        return self._literal("time", node.val, lambda text: time.fromisoformat(text).isoformat("milliseconds"))

    def _literal(self, kind: str, text: str, read: Callable[[str], str]) -> Sql:
        with suppress(ValueError, OverflowError):
            return self._value(kind, read(text))
        raise bad_request(f"$filter: {text[:40]} is not a valid {kind}")

    def visit_Duration(self, node: ast.Duration) -> Sql:
        with suppress(OverflowError):
            return self._value("duration", node.py_val.total_seconds())
        raise bad_request("$filter: the duration is too long")

    def visit_List(self, node: ast.List) -> Sql:
        items = [self.visit(item) for item in node.val]
        kinds = {item.kind for item in items} - {"null"}
        if not items or len(kinds) > 1:
            raise bad_request("$filter: the values of a list must be of one type")
        return Sql(f"({', '.join(items)})", kinds.pop() if kinds else "null")

    # operators

    def visit_BoolOp(self, node: ast.BoolOp) -> Sql:
        return Sql(_balanced([self.condition(part) for part in _operands(node)], self.visit(node.op)), "boolean")

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Sql:
        if isinstance(node.op, ast.Not):
            self._negated += 1
            inner = self.condition(node.operand)
            self._negated -= 1
            return Sql(f"(NOT {inner})", "boolean")
        inner = self.visit(node.operand)
        if inner.kind != "number":
            raise bad_request("$filter: only a number can be negated")
        return Sql(f"(-{inner})", "number")

    def visit_Compare(self, node: ast.Compare) -> Sql:
        left, right = self.visit(node.left), self.visit(node.right)
        kinds = {left.kind, right.kind} - {"null"}
        if kinds & {"collection", "entity", "row"}:
            raise bad_request("$filter: a collection cannot be compared; use any or all")
        if kinds == {"date", "datetime"} and not isinstance(node.right, ast.List):
            left, right = (
                Sql(f"({s} || ' 00:00:00.000000')", "datetime") if s.kind == "date" else s for s in (left, right)
            )
        elif len(kinds) > 1:
            raise bad_request(f"$filter: a {left.kind} cannot be compared with a {right.kind}")
        if isinstance(node.comparator, ast.In) != isinstance(node.right, ast.List):
            raise bad_request("$filter: a list in parentheses belongs to the operator in")
        if isinstance(node.comparator, ast.Eq):
            return Sql(f"({left} IS {right})", "boolean")
        if isinstance(node.comparator, ast.NotEq):
            return Sql(f"({left} IS NOT {right})", "boolean")
        if "boolean" in kinds and not isinstance(node.comparator, ast.In):
            raise bad_request("$filter: true and false have no order")
        compared = f"({left} {self.visit(node.comparator)} {right})"
        return Sql(f"IFNULL({compared}, 0)" if self._negated else compared, "boolean")

    def visit_BinOp(self, node: ast.BinOp) -> Sql:
        left, right = self.visit(node.left), self.visit(node.right)
        if left.kind == right.kind == "number":
            return Sql(f"({left} {self.visit(node.op)} {right})", "number")
        if (left.kind, right.kind) != ("datetime", "duration") or not isinstance(node.op, ast.Add | ast.Sub):
            raise bad_request(f"$filter: no arithmetic with a {left.kind} and a {right.kind}")
        sign = "-" if isinstance(node.op, ast.Sub) else ""
        moved = f"STRFTIME('%Y-%m-%d %H:%M:%f', {left}, ({sign}{right}) || ' seconds')"
        return Sql(f"({moved} || '000')", "datetime")

    def visit_Call(self, node: ast.Call) -> Sql:
        name = ".".join((*node.func.namespace, node.func.name)).lower()
        if name not in _FUNCTIONS:
            raise bad_request(f"$filter: the function {name[:40]} is not supported")
        gives, takes = _FUNCTIONS[name]
        for argument, allowed in zip(node.args, takes, strict=False):
            if (kind := self.visit(argument).kind) not in (*allowed, "null"):
                raise bad_request(f"$filter: {name} does not take a {kind}")
        return Sql(f"({super().visit_Call(node)})", gives)

    def visit_CollectionLambda(self, node: ast.CollectionLambda) -> Sql:
        owner = self.visit(node.owner)
        if owner.kind != "collection":
            raise bad_request("$filter: any and all need a collection")
        alias = f'"each {len(self._done)}"'
        if owner.link is None:
            rows, variable = f"json_each({owner}) AS {alias} WHERE 1", Sql(f"{alias}.value", "string")
        else:
            rows = f'"{owner.link.target}" AS {alias} WHERE {alias}."{owner.link.target_column}" = {owner}'
            variable = Sql(alias, "row", owner.entity)
        if node.lambda_ is None:
            return Sql(f"EXISTS (SELECT 1 FROM {rows})", "boolean")
        outer = self._variables
        self._variables = outer | {node.lambda_.identifier.name: variable}
        try:
            body = self.condition(node.lambda_.expression)
        finally:
            self._variables = outer
        if isinstance(node.operator, ast.Any):
            return Sql(f"EXISTS (SELECT 1 FROM {rows} AND {body})", "boolean")
        return Sql(f"(NOT EXISTS (SELECT 1 FROM {rows} AND NOT IFNULL({body}, 0)))", "boolean")

    # functions that odata-query lacks, or that are not what OData says: LIKE ignores case, TRUNC rounds -2.5 to -2

    def sqlfunc_contains(self, *args: ast._Node) -> str:
        return f"INSTR({self.visit(args[0])}, {self.visit(args[1])}) > 0"

    def sqlfunc_startswith(self, *args: ast._Node) -> str:
        text, part = map(self.visit, args)
        return f"SUBSTR({text}, 1, LENGTH({part})) = {part}"

    def sqlfunc_endswith(self, *args: ast._Node) -> str:
        text, part = map(self.visit, args)
        return f"LENGTH({text}) >= LENGTH({part}) AND SUBSTR({text}, LENGTH({text}) - LENGTH({part}) + 1) = {part}"

    def sqlfunc_now(self) -> str:
        return self._value("datetime", sql_time(self._now()))

    def sqlfunc_second(self, arg: ast._Node) -> str:
        return f"CAST(STRFTIME('%S', {self.visit(arg)}) AS INTEGER)"

    def sqlfunc_fractionalseconds(self, arg: ast._Node) -> str:
        return f"CAST(SUBSTR(STRFTIME('%f', {self.visit(arg)}), 3) AS REAL)"

    def sqlfunc_time(self, arg: ast._Node) -> str:
        return f"STRFTIME('%H:%M:%f', {self.visit(arg)})"

    def sqlfunc_round(self, arg: ast._Node) -> str:
        return f"ROUND({self.visit(arg)})"


def _operands(node: ast.BoolOp) -> list[ast._Node]:
    """The operands of a chain of one operator, left to right: ``a or b or c`` is three, however it was nested."""
    found: list[ast._Node] = []
    waiting: list[ast._Node] = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, ast.BoolOp) and item.op == node.op:
            waiting += (item.right, item.left)
        else:
            found.append(item)
    return found


def _balanced(parts: list[Sql], word: str) -> str:
    """The parts joined as a balanced tree: SQLite takes expressions up to 1,000 levels deep."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return f"({_balanced(parts[:middle], word)} {word} {_balanced(parts[middle:], word)})"
