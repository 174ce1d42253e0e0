"""The syntax of Salesforce's formulas: from text to a tree, every mistake with its position."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, TypeVar

MAX_DEPTH = 60
T = TypeVar("T")


class FormulaError(ValueError):
    """A formula that Salesforce would not take, or could not carry out. `position` counts characters from 0."""

    def __init__(self, text: str, position: int) -> None:
        self.text = text
        self.position = position
        super().__init__(f"Error: {text} (at character {position + 1})")


@dataclass(frozen=True, slots=True)
class Literal:
    position: int
    value: Decimal | str | bool | None


@dataclass(frozen=True, slots=True)
class Name:
    """A field, or a global such as `$Permission.X`."""

    position: int
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function by its name in capitals, or an operator by its sign; a minus before a value is `NEGATE`."""

    position: int
    name: str
    args: tuple[Tree, ...]


Tree = Literal | Name | Call


class _Token(NamedTuple):
    kind: str
    text: str
    position: int


_TOKENS = re.compile(
    r"""(?P<space>\s+|/\*.*?\*/)
    |(?P<number>[0-9]+(?:\.[0-9]+)?)
    |(?P<text>"(?:[^"\\\r\n]|\\[nrtNRT"'\\])*"|'(?:[^'\\\r\n]|\\[nrtNRT"'\\])*')
    |(?P<name>[A-Za-z$][A-Za-z0-9_$.:\#]*)
    |(?P<sign>\|\||&&|<=|>=|<>|!=|==|[-+*/^&=<>!(),])""",
    re.VERBOSE | re.DOTALL,
)
# How tightly each operator binds, and what it is called in the tree; ^ is looser than * and /, as Salesforce has it.
_OPERATORS = {
    "||": (0, "OR"),
    "&&": (1, "AND"),
    **dict.fromkeys(("=", "=="), (2, "=")),
    **dict.fromkeys(("<>", "!="), (2, "<>")),
    **{sign: (3, sign) for sign in ("<", "<=", ">", ">=")},
    **{sign: (4, sign) for sign in ("+", "-", "&")},
    "^": (5, "^"),
    **{sign: (6, sign) for sign in ("*", "/")},
}
_WORDS: dict[str, bool | None] = {"TRUE": True, "FALSE": False, "NULL": None}


def parse_tree(text: str) -> Tree:
    """The whole text as one tree. Raises FormulaError."""
    parser = _Parser(list(_tokens(text)))
    tree = parser.level(0)
    parser.expect("end", "")
    return tree


def walk(tree: Tree) -> Iterator[Tree]:
    yield tree
    if isinstance(tree, Call):
        for arg in tree.args:
            yield from walk(arg)


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    while position < len(text):
        found = _TOKENS.match(text, position)
        if found is None:
            raise FormulaError(f"Syntax error. Found {text[position]!r}", position)
        kind = str(found.lastgroup)
        if kind != "space":
            yield _Token(kind, found.group(), position)
        position = found.end()
    yield _Token("end", "", len(text))


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.place = 0
        self.depth = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.place]

    def take(self) -> _Token:
        token = self.token
        self.place += 1
        return token

    def expect(self, kind: str, sign: str) -> None:
        token = self.token
        if token.kind != kind or token.text != sign:
            wanted = f"'{sign}'" if sign else "the end"
            raise FormulaError(f"Syntax error. Missing {wanted}", token.position)
        self.place += 1

    def level(self, loosest: int) -> Tree:
        """An expression of operators that bind at least this tightly, each to the left."""
        left = self.unary()
        while self.token.kind == "sign" and self.token.text in _OPERATORS:
            binds, name = _OPERATORS[self.token.text]
            if binds < loosest:
                break
            sign = self.take()
            left = Call(sign.position, name, (left, self.level(binds + 1)))
        return left

    def unary(self) -> Tree:
        token = self.token
        if token.kind == "sign" and token.text in ("-", "+", "!"):
            self.take()
            inner = self.inside(self.unary)
            if token.text == "+":
                return inner
            return Call(token.position, "NEGATE" if token.text == "-" else "NOT", (inner,))
        return self.primary()

    def primary(self) -> Tree:
        token = self.take()
        match token.kind:
            case "number":
                return Literal(token.position, Decimal(token.text))
            case "text":
                return Literal(token.position, _unescape(token.text))
            case "name" if self.token.text == "(" and self.token.kind == "sign":
                return Call(token.position, token.text.upper(), self.inside(self.arguments))
            case "name" if token.text.upper() in _WORDS:
                return Literal(token.position, _WORDS[token.text.upper()])
            case "name":
                return Name(token.position, token.text)
            case "sign" if token.text == "(":
                inner = self.inside(lambda: self.level(0))
                self.expect("sign", ")")
                return inner
        shown = token.text or "the end"
        raise FormulaError(f"Syntax error. Found {shown!r}", token.position)

    def arguments(self) -> tuple[Tree, ...]:
        self.expect("sign", "(")
        args: list[Tree] = []
        if self.token.text != ")":
            args.append(self.level(0))
            while self.token.kind == "sign" and self.token.text == ",":
                self.take()
                args.append(self.level(0))
        self.expect("sign", ")")
        return tuple(args)

    def inside(self, read: Callable[[], T]) -> T:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise FormulaError("The formula is nested too deeply", self.token.position)
        result = read()
        self.depth -= 1
        return result


def _unescape(text: str) -> str:
    # Only these two become one character; \n, \' and the others stay as they are written.
    return re.sub(r'\\(["\\])', r"\1", text[1:-1])
