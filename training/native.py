"""Turn plain scalar Python functions into C, so that one source runs in tests (Python), on a CPU and on a GPU.

Only what march_*.py need: functions of float, int, sequences of floats; fixed tuples of floats returned; if, for over
range, while, return. Locals are floats unless annotated. No exception, no allocation, no recursion.
"""

from __future__ import annotations

import ast
import inspect
from types import ModuleType
from typing import Any

_TYPES = {
    "float": "float", "int": "int", "bool": "int", "None": "void", "Word": "unsigned", "Floats": "const float*",
    "Buffer": "float*", "Pair": "Pair", "Vec3": "Vec3", "Vec4": "Vec4",
}  # fmt: skip
_TUPLES = {"Pair": 2, "Vec3": 3, "Vec4": 4}
_CALLS = {
    "min": "fminf", "max": "fmaxf", "abs": "fabsf", "sqrt": "sqrtf", "sin": "sinf", "cos": "cosf", "exp": "expf",
    "floor": "floorf", "atan2": "atan2f", "pow": "powf", "log": "logf", "int": "(int)", "float": "(float)",
}  # fmt: skip
_SIGNS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%", ast.BitXor: "^", ast.BitAnd: "&",
    ast.RShift: ">>", ast.FloorDiv: "/", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==",
    ast.NotEq: "!=", ast.And: "&&", ast.Or: "||", ast.USub: "-", ast.UAdd: "+", ast.Not: "!",
}  # fmt: skip
_WORD = 0x7FFFFFFF
_PREFIX = "sp_"


def translated(modules: list[ModuleType]) -> str:
    """Return the C text of every function and constant that the modules define, in order.

    Raises ValueError for what the translation does not know.
    """
    known: dict[str, ast.FunctionDef] = {}
    lines = []
    for name, count in _TUPLES.items():
        parts = "abcd"[:count]
        lines.append(f"typedef struct {{ float {', '.join(parts)}; }} {name};")
        given = ", ".join(f"float {part}" for part in parts)
        lines.append(f"FN {name} make_{name}({given}) {{ {name} r_ = {{{', '.join(parts)}}}; return r_; }}")
    for module in modules:
        for node in ast.parse(inspect.getsource(module)).body:
            if isinstance(node, ast.Assign):
                names = [part.id for part in ast.walk(node.targets[0]) if isinstance(part, ast.Name)]
                lines.extend(line for name in names for line in _constant(name, vars(module).get(name)))
            elif isinstance(node, ast.FunctionDef):
                known[node.name] = node
                lines.append(_Function(node, known).text())
    return "\n".join(lines) + "\n"


def _constant(name: str, value: Any) -> list[str]:
    if not name.isupper() or isinstance(value, bool) or not isinstance(value, (int, float)):
        return []
    return [f"#define {name} {_number(value)}"]


def _number(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int):
        return f"({value})" if value <= _WORD else f"{value}u"
    return f"({value!r}f)" if "e" in repr(value) or "." in repr(value) else f"({value!r}.0f)"


class _Function:
    def __init__(self, node: ast.FunctionDef, known: dict[str, ast.FunctionDef]) -> None:
        self.node, self.known = node, known
        self.kinds: dict[str, str] = {}
        self.result = _type(node.returns)
        self.spare = 0

    def text(self) -> str:
        wanted = [(arg.arg, _type(arg.annotation)) for arg in self.node.args.args]
        self.kinds = dict(wanted)
        body = self._block(self.node.body, 1)
        locals_ = [
            f"  {kind} {name};" if kind in _TUPLES else f"  {kind} {name} = 0;"
            for name, kind in self.kinds.items()
            if name not in dict(wanted)
        ]
        head = f"FN {self.result} {_PREFIX}{self.node.name}({', '.join(f'{kind} {name}' for name, kind in wanted)}) {{"
        return "\n".join([head, *locals_, *body, "}"])

    def _block(self, nodes: list[ast.stmt], depth: int) -> list[str]:
        return ["  " * depth + line for node in nodes for line in self._statement(node, depth)]

    def _statement(self, node: ast.stmt, depth: int) -> list[str]:
        if isinstance(node, ast.Expr):
            return [] if isinstance(node.value, ast.Constant) else [self._value(node.value) + ";"]
        if isinstance(node, ast.Return):
            return self._return(node.value)
        if isinstance(node, ast.Assign):
            return self._assign(node.targets[0], node.value)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            self.kinds.setdefault(node.target.id, _type(node.annotation))
            return [f"{node.target.id} = {self._value(node.value)};"]
        if isinstance(node, ast.AugAssign):
            return [f"{self._value(node.target)} {_SIGNS[type(node.op)]}= {self._value(node.value)};"]
        if isinstance(node, ast.If):
            rest = ["} else {", *self._block(node.orelse, 1)] if node.orelse else []
            return [f"if ({self._value(node.test)}) {{", *self._block(node.body, 1), *rest, "}"]
        if isinstance(node, ast.For) and isinstance(node.target, ast.Name) and isinstance(node.iter, ast.Call):
            name, bounds = node.target.id, [self._value(arg) for arg in node.iter.args]
            self.kinds.setdefault(name, "int")
            first, last = bounds if len(bounds) == 2 else ("0", bounds[0])
            return [f"for ({name} = {first}; {name} < {last}; {name}++) {{", *self._block(node.body, 1), "}"]
        if isinstance(node, (ast.Break, ast.Continue)):
            return ["break;" if isinstance(node, ast.Break) else "continue;"]
        raise ValueError(f"{self.node.name}: no C for {ast.unparse(node)}")

    def _return(self, value: ast.expr | None) -> list[str]:
        return [f"return {self._value(value)};" if value else "return;"]

    def _assign(self, target: ast.expr, value: ast.expr) -> list[str]:
        if not isinstance(target, ast.Tuple):
            if isinstance(target, ast.Name):
                self.kinds.setdefault(target.id, "float")
            return [f"{self._value(target)} = {self._value(value)};"]
        for part in target.elts:
            if isinstance(part, ast.Name):
                self.kinds.setdefault(part.id, "float")
        names = [self._value(part) for part in target.elts]
        if isinstance(value, ast.Tuple):
            parts = [f"float t{i}_ = {self._value(part)};" for i, part in enumerate(value.elts)]
            return ["{ " + " ".join(parts) + " " + " ".join(f"{n} = t{i}_;" for i, n in enumerate(names)) + " }"]
        kind = next(name for name, count in _TUPLES.items() if count == len(names))
        moved = " ".join(f"{name} = t_.{'abcd'[i]};" for i, name in enumerate(names))
        return [f"{{ {kind} t_ = {self._value(value)}; {moved} }}"]

    def _value(self, node: ast.expr) -> str:
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.Constant):
            return _number(node.value)
        if isinstance(node, ast.BinOp):
            return f"({self._value(node.left)} {_SIGNS[type(node.op)]} {self._value(node.right)})"
        if isinstance(node, ast.UnaryOp):
            return f"({_SIGNS[type(node.op)]}{self._value(node.operand)})"
        if isinstance(node, ast.BoolOp):
            return "(" + f" {_SIGNS[type(node.op)]} ".join(self._value(part) for part in node.values) + ")"
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            return f"({self._value(node.left)} {_SIGNS[type(node.ops[0])]} {self._value(node.comparators[0])})"
        if isinstance(node, ast.IfExp):
            return f"({self._value(node.test)} ? {self._value(node.body)} : {self._value(node.orelse)})"
        if isinstance(node, ast.Tuple):
            kind = next(name for name, count in _TUPLES.items() if count == len(node.elts))
            return f"make_{kind}({', '.join(self._value(part) for part in node.elts)})"
        if isinstance(node, ast.Subscript):
            if self.kinds.get(self._value(node.value)) in _TUPLES and isinstance(node.slice, ast.Constant):
                return f"{self._value(node.value)}.{'abcd'[int(node.slice.value)]}"  # type: ignore[arg-type]
            return f"{self._value(node.value)}[{self._value(node.slice)}]"
        if isinstance(node, ast.Call):
            return self._call(node)
        raise ValueError(f"{self.node.name}: no C for {ast.unparse(node)}")

    def _call(self, node: ast.Call) -> str:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = [self._value(arg) for arg in node.args]
        if name not in self.known and name not in _CALLS:
            raise ValueError(f"{self.node.name}: {name} is unknown")
        called = _PREFIX + name if name in self.known else _CALLS[name]
        if called in ("fminf", "fmaxf") and len(given) == 3:
            return f"{called}({called}({given[0]}, {given[1]}), {given[2]})"
        return f"{called}({', '.join(given)})"


def _type(node: ast.expr | None) -> str:
    return _TYPES[ast.unparse(node) if node is not None else "None"]
