"""The syntax of lattice expressions: text to a tree.

References
----------
van Diepen, "Lattice Expression Language", AIPS++ Note 223: operators, functions, constants, names of images and regions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from casatools._base.errors import ParameterError

__all__ = ["Call", "Indices", "Name", "Node", "Number", "Operation", "parse_expression"]


@dataclass(frozen=True)
class Number:
    """A constant: real, complex, boolean or text."""

    value: complex | float | bool | str


@dataclass(frozen=True)
class Name:
    """An image by name, quoted or bare."""

    name: str
    quoted: bool = False


@dataclass(frozen=True)
class Call:
    """A function of arguments."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Operation:
    """An operator of one or two operands; ``[]`` is an image under a mask condition."""

    operator: str
    operands: tuple[Node, ...]


@dataclass(frozen=True)
class Indices:
    """A list of pixels of an axis such as ``[3:10, 15, 20:30:2]``; ends are included."""

    values: tuple[int, ...]


Node = Number | Name | Call | Operation | Indices

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?i?)(?![\w$])|(?P<quoted>'[^']*'|\"[^\"]*\")"
    r"|(?P<operator>\|\||&&|==|!=|>=|<=|<>|[-+*/%^<>!()\[\],=])|(?P<name>(?:\\.|[\w$.~@/:-])+))"
)
# A bare name ends where an operator could begin; "-", "/" and so on inside one need quotes or a backslash. A dot before a digit begins a number.
_BARE = re.compile(r"\s*(?P<name>(?:[A-Za-z_$~]|\.(?!\d))[\w$.~@]*)")
_BINARY = {"||": 1, "or": 1, "&&": 2, "and": 2, "==": 3, "=": 3, "!=": 3, "<>": 3, ">": 3, ">=": 3, "<": 3, "<=": 3,
           "+": 4, "-": 4, "*": 5, "/": 5, "%": 5, "^": 7}  # fmt: skip
_ALIASES = {"or": "||", "and": "&&", "=": "==", "<>": "!=", "not": "!"}


class _Parser:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.kind, self.value = "", ""
        self.advance()

    def advance(self) -> None:
        rest = self.text[self.at :]
        if not rest.strip():
            self.kind, self.value = "end", ""
            return
        bare = _BARE.match(rest)
        match = bare or _TOKEN.match(rest)
        if match is None:
            raise self.error()
        self.at += match.end()
        if bare:
            self.kind, self.value = "name", bare.group("name")
            if self.value.lower() in ("and", "or", "not") and not self.text[self.at :].lstrip().startswith("("):
                self.kind, self.value = "operator", self.value.lower()
        else:
            self.kind = str(match.lastgroup)
            self.value = match.group(self.kind)

    def error(self) -> ParameterError:
        at = max(0, self.at - len(self.value))
        rest = self.text[at:].strip()
        where = (
            f"at {rest!r}, character {len(self.text) - len(self.text[at:].lstrip()) + 1}"
            if rest
            else "further than its end: something is missing"
        )
        return ParameterError(f"the expression {self.text!r} cannot be read {where}")

    def expect(self, symbol: str) -> None:
        if self.value != symbol or self.kind != "operator":
            raise self.error()
        self.advance()

    def expression(self, least: int = 1) -> Node:
        left = self.unary()
        while self.kind == "operator" and _BINARY.get(self.value, 0) >= least:
            operator, strength = self.value, _BINARY[self.value]
            self.advance()
            # Powers group from the right, all else from the left.
            right = self.expression(strength if operator == "^" else strength + 1)
            left = Operation(_ALIASES.get(operator, operator), (left, right))
        return left

    def unary(self) -> Node:
        if self.kind == "operator" and self.value in ("-", "+", "!", "not"):
            operator = _ALIASES.get(self.value, self.value)
            self.advance()
            # A sign binds less than a power: -2^2 is -4.
            operand = self.expression(6)
            return operand if operator == "+" else Operation(f"unary{operator}", (operand,))
        return self.postfix(self.primary())

    def postfix(self, node: Node) -> Node:
        while self.kind == "operator" and self.value == "[":
            self.advance()
            condition = self.expression()
            self.expect("]")
            node = Operation("[]", (node, condition))
        return node

    def primary(self) -> Node:
        kind, value = self.kind, self.value
        if kind == "number":
            self.advance()
            if value.endswith("i"):
                return Number(complex(0.0, float(value[:-1])))
            return Number(float(value.lower().replace("d", "e")))
        if kind == "quoted":
            self.advance()
            return Name(value[1:-1], True)
        if kind == "operator" and value == "[":
            return self.indices()
        if kind == "operator" and value == "(":
            self.advance()
            node = self.expression()
            if self.kind == "operator" and self.value == ",":  # (re, im) is not part of the language
                raise self.error()
            self.expect(")")
            return node
        if kind == "name":
            self.advance()
            if self.kind == "operator" and self.value == "(":
                return self.call(value)
            if value in ("T", "True", "true"):
                return Number(True)
            if value in ("F", "False", "false"):
                return Number(False)
            return Name(value)
        raise self.error()

    def indices(self) -> Node:
        end = self.text.find("]", self.at)
        found: list[int] = []
        for item in self.text[self.at : end].split(",") if end >= 0 else ["?"]:
            match = re.fullmatch(r"\s*(\d+)\s*(?::\s*(\d+)\s*(?::\s*(\d+)\s*)?)?", item)
            if match is None:
                raise self.error()
            first = int(match.group(1))
            last = int(match.group(2) or first)
            found += range(first, last + 1, max(1, int(match.group(3) or 1)))
        self.at = end + 1
        self.advance()
        return Indices(tuple(found))

    def call(self, name: str) -> Node:
        self.advance()
        arguments: list[Node] = []
        while not (self.kind == "operator" and self.value == ")"):
            arguments.append(self.expression())
            if self.kind == "operator" and self.value == ",":
                self.advance()
            elif not (self.kind == "operator" and self.value == ")"):
                raise self.error()
        self.advance()
        return Call(name.lower(), tuple(arguments))


def parse_expression(text: str) -> Node:
    """Read a lattice expression such as ``'a.im' * 2 + max('b.im')``.

    Raises
    ------
    ParameterError
        It cannot be read; says where.
    """
    parser = _Parser(text)
    node = parser.expression()
    if parser.kind != "end":
        raise parser.error()
    return node
