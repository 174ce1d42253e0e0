"""Whether the parts of a Salesforce formula stand where they may, before there are any values."""

from __future__ import annotations

from collections.abc import Mapping

from integrations.standins.salesforce_functions import FUNCTIONS
from integrations.standins.salesforce_syntax import Call, FormulaError, Literal, Name, Tree
from integrations.standins.salesforce_values import KINDS

PERMISSION = "$Permission."
_LAZY_COUNTS = {
    "AND": (1, 1000),
    "OR": (1, 1000),
    "IF": (3, 3),
    "CASE": (4, 1000),
    "ISCHANGED": (1, 1),
    "PRIORVALUE": (1, 1),
    "ISPICKVAL": (2, 2),
    "INCLUDES": (2, 2),
}


def check_call(call: Call) -> None:
    """Raises FormulaError for an unknown function and for a wrong number of arguments."""
    if call.name in _LAZY_COUNTS:
        least, most = _LAZY_COUNTS[call.name]
    elif call.name in FUNCTIONS and call.name != "NEGATE":
        least, most = FUNCTIONS[call.name].least, FUNCTIONS[call.name].most
    elif call.name == "NEGATE":
        return
    else:
        raise FormulaError(f"Unknown function {call.name}. Check spelling.", call.position)
    count = len(call.args)
    if not least <= count <= most or (call.name == "CASE" and count % 2):
        raise FormulaError(
            f"Incorrect number of parameters for function '{call.name}()'. Expected {least}, received {count}",
            call.position,
        )


_SPECIAL = ("picklist", "multipicklist")


def kind_of(tree: Tree, types: Mapping[str, str]) -> str:
    """The kind of a part's result, "" when only the values can tell. Raises FormulaError."""
    match tree:
        case Literal(value=value):
            return "" if value is None else {bool: "boolean", str: "text"}.get(type(value), "number")
        case Name(name=name):
            return _field_kind(tree, types) if not name.startswith(PERMISSION) else "boolean"
    if tree.name in _LAZY_COUNTS:
        return _lazy_kind(tree, types)
    function = FUNCTIONS[tree.name]
    kinds = [_plain_kind(kind_of(arg, types)) for arg in tree.args]
    for place, (arg, kind) in enumerate(zip(tree.args, kinds, strict=True)):
        _check_kind(tree, arg, kind, function.takes[min(place, len(function.takes) - 1)])
    if tree.name in ("=", "<>", "<", "<=", ">", ">=") and "" not in kinds and kinds[0] != kinds[1]:
        raise FormulaError(
            f"Incorrect parameter type for operator '{tree.name}'. Expected {kinds[0]}, received {kinds[1]}",
            tree.position,
        )
    if tree.name in ("+", "-"):
        return _sum_kind(tree, kinds)
    return function.gives or kinds[0]


def _plain_kind(kind: str) -> str:
    return {"id": "text", "percent": "number"}.get(kind, kind)


def _field_kind(name: Name, types: Mapping[str, str]) -> str:
    if name.name not in types:
        raise FormulaError(f"Field {name.name} does not exist. Check spelling.", name.position)
    kind = KINDS.get(types[name.name])
    if kind is None:
        raise FormulaError(f"Field {name.name} may not be used in this type of formula", name.position)
    return kind


def _check_kind(call: Call, arg: Tree, kind: str, wanted: str) -> None:
    if kind == "picklist" and wanted not in ("any or picklist",):
        shown = arg.name if isinstance(arg, Name) else call.name
        text = f"Field {shown} is a picklist field. Picklist fields are only supported in certain functions."
        raise FormulaError(text, arg.position)
    if kind == "multipicklist" and call.name not in ("ISBLANK", "ISNULL"):
        raise FormulaError(
            "Multi-select picklist fields are only supported in certain functions.", arg.position
        )
    allowed = {
        "": True,
        "any or picklist": kind != "boolean",
        "any but boolean": kind != "boolean",
        "any but text": kind not in ("boolean", "text"),
        "text or datetime": kind in ("text", "datetime"),
        "text or date": kind in ("text", "date"),
    }.get(wanted, kind == wanted)
    if kind and not allowed:
        raise FormulaError(
            f"Incorrect parameter type for function '{call.name}()'. Expected {wanted}, received {kind}",
            arg.position,
        )


def _sum_kind(call: Call, kinds: list[str]) -> str:
    left, right = kinds
    if left == right:
        if left in ("date", "datetime") and call.name == "-":
            return "number"
        if left in ("number", "") or (left == "text" and call.name == "+"):
            return left
    elif "" in kinds:
        return left or right
    elif right == "number" and left in ("date", "datetime"):
        return left
    elif left == "number" and right in ("date", "datetime") and call.name == "+":
        return right
    raise FormulaError(f"Incorrect parameter type for operator '{call.name}'", call.position)


def _lazy_kind(call: Call, types: Mapping[str, str]) -> str:
    match call.name:
        case "AND" | "OR":
            for arg in call.args:
                _check_kind(call, arg, kind_of(arg, types), "boolean")
            return "boolean"
        case "ISCHANGED" | "PRIORVALUE":
            kind = _field_kind(field_name(call.args[0]), types)
            return "boolean" if call.name == "ISCHANGED" else kind
        case "ISPICKVAL" | "INCLUDES":
            wanted = "picklist" if call.name == "ISPICKVAL" else "multipicklist"
            if kind_of(call.args[0], types) != wanted:
                raise FormulaError(f"{call.name} takes a {wanted} field", call.args[0].position)
            if not (isinstance(call.args[1], Literal) and isinstance(call.args[1].value, str)):
                raise FormulaError(f"{call.name} takes a text literal", call.args[1].position)
            return "boolean"
    kinds = [kind_of(arg, types) for arg in call.args]
    results = kinds[1:] if call.name == "IF" else [*kinds[2::2], kinds[-1]]
    told = {_plain_kind(kind) for kind in results if kind}
    if len(told) > 1 or told & set(_SPECIAL):
        raise FormulaError(f"The results of {call.name} must be of one type", call.position)
    if call.name == "IF":
        _check_kind(call, call.args[0], kinds[0], "boolean")
    return next(iter(told), "")


def field_name(tree: Tree) -> Name:
    """Raises FormulaError for what is no field."""
    if isinstance(tree, Name) and not tree.name.startswith("$"):
        return tree
    raise FormulaError("Incorrect parameter. Expected a field", tree.position)
