"""Small faults in a syntax tree: where they can be put, and what they are."""

from __future__ import annotations

import ast
import contextlib
import enum
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass

_NEGATED: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_AT_THE_BORDER: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
_OTHER_OPERATOR: Mapping[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_LONGEST_NAME = 90
_NOT_BEHAVIOUR = frozenset({"annotation", "returns", "type_params", "decorator_list"})

Variant = tuple[str, ast.AST]
"""What a fault is called, and the node that stands in the place of the right one."""


@dataclass(frozen=True, slots=True)
class Site:
    """One fault: a node of the tree in its place, and what to put there."""

    name: str
    parent: ast.AST
    field: str
    index: int | None
    new: ast.AST

    @contextlib.contextmanager
    def mutated(self) -> Iterator[None]:
        """Have the fault in the tree meanwhile."""
        old = self._put(self.new)
        try:
            yield
        finally:
            self._put(old)

    def _put(self, node: ast.AST) -> ast.AST:
        if self.index is None:
            old: ast.AST = getattr(self.parent, self.field)
            setattr(self.parent, self.field, node)
        else:
            items = getattr(self.parent, self.field)
            old, items[self.index] = items[self.index], node
        return old


def sites_of(tree: ast.Module, functions: Container[str], names: Mapping[str, object]) -> Iterator[Site]:
    """Yield the faults that can be put into a module's constants and into some of its functions.

    ``functions`` are qualified names (``Class.method``, ``outer.<locals>.inner``), ``names`` what the loaded
    module holds. Annotations, docstrings, decorators and the texts of raised errors are left alone.
    """
    yield from _Walk(functions, names).body(tree, "", within=False)


@dataclass(frozen=True, slots=True)
class _Walk:
    functions: Container[str]
    names: Mapping[str, object]

    def body(self, owner: ast.AST, prefix: str, *, within: bool) -> Iterator[Site]:
        """Yield the faults of the statements that a module, class or function consists of."""
        for index, statement in enumerate(getattr(owner, "body", [])):
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield from self._definition(statement, prefix)
            elif within:
                where = prefix.removesuffix(".<locals>.")
                yield from self._at(statement, owner, "body", index, f"{where}: {_said(statement)}")
            elif isinstance(owner, ast.Module):
                name = _constant(statement)
                if name is not None:
                    yield from self._below(statement, name)

    def _definition(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, prefix: str
    ) -> Iterator[Site]:
        if isinstance(node, ast.ClassDef):
            yield from self.body(node, f"{prefix}{node.name}.", within=False)
        elif prefix + node.name in self.functions:
            yield from self.body(node, f"{prefix}{node.name}.<locals>.", within=True)

    def _at(
        self, node: ast.AST, parent: ast.AST, field: str, index: int | None, where: str
    ) -> Iterator[Site]:
        """Yield the faults of a node itself and of all below it."""
        for said, new in self._variants(node):
            ast.fix_missing_locations(ast.copy_location(new, node))
            yield Site(f"{where}: {said}", parent, field, index, new)
        yield from self._below(node, where)

    def _below(self, node: ast.AST, where: str) -> Iterator[Site]:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if docstring or isinstance(node, ast.Raise):
            return
        for field, value in ast.iter_fields(node):
            for index, child in enumerate(value if isinstance(value, list) else [value]):
                if isinstance(child, ast.AST) and field not in _NOT_BEHAVIOUR:
                    place = (
                        f"{where.partition(': ')[0]}: {_said(child)}"
                        if isinstance(child, ast.stmt)
                        else where
                    )
                    at = index if isinstance(value, list) else None
                    yield from self._at(child, node, field, at, place)

    def _variants(self, node: ast.AST) -> Iterator[Variant]:
        if isinstance(node, ast.Attribute):
            yield from self._other_member(node)
        for kind, variants in _VARIANTS:
            if isinstance(node, kind):
                yield from variants(node)

    def _other_member(self, node: ast.Attribute) -> Iterator[Variant]:
        """Yield the enumeration's next member, where the node is one."""
        kind = self.names.get(node.value.id) if isinstance(node.value, ast.Name) else None
        if isinstance(kind, enum.EnumType) and node.attr in kind.__members__:
            members = list(kind.__members__)
            other = members[(members.index(node.attr) + 1) % len(members)]
            yield _instead(node, ast.Attribute(node.value, other, ast.Load()))


def _constant(statement: ast.stmt) -> str | None:
    """Return the name of the constant that a module's statement defines; None where it is something else."""
    if not isinstance(statement, ast.AnnAssign | ast.Assign):
        return None
    target: ast.expr = statement.target if isinstance(statement, ast.AnnAssign) else statement.targets[0]
    value = statement.value
    type_variable = isinstance(value, ast.Call) and ast.unparse(value.func).endswith("TypeVar")
    if not isinstance(target, ast.Name) or type_variable:
        return None
    return None if target.id.startswith("__") or target.id == "SOURCE" else target.id


def _of_constant(node: ast.Constant) -> Iterator[Variant]:
    value = node.value
    if isinstance(value, bool):
        yield _instead(node, ast.Constant(not value))
    elif isinstance(value, int | float):
        yield _instead(node, ast.Constant(value + 1))
    elif isinstance(value, str):
        yield _instead(node, ast.Constant(value + "x"))
    elif isinstance(value, bytes):
        yield _instead(node, ast.Constant(value + b"x"))


def _of_comparison(node: ast.Compare) -> Iterator[Variant]:
    for table in (_NEGATED, _AT_THE_BORDER):
        if len(node.ops) == 1 and type(node.ops[0]) in table:
            yield _instead(node, ast.Compare(node.left, [table[type(node.ops[0])]()], node.comparators))


def _of_conditions(node: ast.BoolOp) -> Iterator[Variant]:
    for at, condition in enumerate(node.values):
        rest = node.values[:at] + node.values[at + 1 :]
        new = ast.BoolOp(node.op, rest) if len(rest) > 1 else rest[0]
        yield f"{_said(node)}: without {_said(condition)}", new


def _of_negation(node: ast.UnaryOp) -> Iterator[Variant]:
    if isinstance(node.op, ast.Not):
        yield _instead(node, node.operand)


def _of_operation(node: ast.BinOp) -> Iterator[Variant]:
    if type(node.op) in _OTHER_OPERATOR:
        yield _instead(node, ast.BinOp(node.left, _OTHER_OPERATOR[type(node.op)](), node.right))


def _of_return(node: ast.Return) -> Iterator[Variant]:
    sequence = isinstance(node.value, ast.Tuple | ast.List)
    new = ast.Return(ast.Tuple([], ast.Load()) if sequence else ast.Constant(None))
    if node.value is not None and ast.unparse(node.value) not in {"None", "()", "[]"}:
        yield ast.unparse(new), new


def _of_condition(node: ast.If) -> Iterator[Variant]:
    if not node.orelse:
        yield "left out", ast.Pass()


def _of_call(node: ast.Call) -> Iterator[Variant]:
    for keyword in node.keywords:
        if keyword.arg is not None:
            rest = [other for other in node.keywords if other is not keyword]
            yield f"{_said(node.func)}(…): without {_said(keyword)}", ast.Call(node.func, node.args, rest)


def _of_mapping(node: ast.Dict) -> Iterator[Variant]:
    """Each entry gets the value of another one."""
    for at, (key, value) in enumerate(zip(node.keys, node.values, strict=True)):
        others = node.values[at + 1 :] + node.values[:at]
        other = next((each for each in others if ast.dump(each) != ast.dump(value)), None)
        if key is not None and other is not None:
            values = [*node.values[:at], other, *node.values[at + 1 :]]
            yield f"[{_said(key)}]: {_said(value)} -> {_said(other)}", ast.Dict(node.keys, values)


_VARIANTS: tuple[tuple[type[ast.AST], Callable[..., Iterator[Variant]]], ...] = (
    (ast.Constant, _of_constant),
    (ast.Compare, _of_comparison),
    (ast.BoolOp, _of_conditions),
    (ast.UnaryOp, _of_negation),
    (ast.BinOp, _of_operation),
    (ast.Return, _of_return),
    (ast.If, _of_condition),
    (ast.Call, _of_call),
    (ast.Dict, _of_mapping),
)


def _instead(node: ast.AST, new: ast.AST) -> Variant:
    return f"{_said(node)} -> {_said(new)}", new


def _said(node: ast.AST) -> str:
    """Return the code of a node in one line, cut where it is long."""
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"
