"""A criterion as a Salesforce formula, for validation rules.

What Salesforce's formulas mean, and how each meaning of ours is kept:
- A comparison with a blank is false, but `<>` and NOT are not: what is negative asks for a value first.
- `=`, CONTAINS and BEGINS mind the case, our text does not mind that of A to Z. LOWER changes other letters
  too, so it is used only where it can't matter: İ and the Kelvin sign, which it would turn into i and k, are
  replaced before; a text with letters beyond A to Z is compared with only its own letters A to Z folded.
- ISPICKVAL does not mind the case and picklists of ours do: they are compared as TEXT().
- INCLUDES does not mind it either and has no such way round: options that differ by case only are refused.
- TODAY() and DATEVALUE() take the user's zone. Today in UTC is a count of days on NOW().
- Id fields read as 15 characters: the first 15 are compared.
- A percent field reads as a fraction.
- A literal can't hold line breaks or other control characters.
"""

from __future__ import annotations

from collections.abc import Callable

from definitions.criteria.compiled import (
    SALESFORCE_NAME,
    Compiled,
    FieldMapping,
    Partial,
    Refused,
    RefusedError,
    RemoteField,
    conjuncts,
    no_list_reason,
    remote_of,
)
from definitions.criteria.nodes import All, Any, Counted, Leaf, Node, Not, Staged, conditions_of
from definitions.criteria.targets.english import describe
from definitions.criteria.targets.salesforce_leaves import Comparison, MoneyComparison
from definitions.criteria.targets.salesforce_pieces import (
    SOURCE_LIMIT,
    Piece,
    all_of,
    any_of,
)

COMPILED_LIMIT = 15_000
CURRENCY = "currency"


def compile_criterion(root: Node, mapping: FieldMapping) -> Compiled:
    """True exactly when the criterion is true of a record whose fields all can be read."""
    writer = Writer(mapping)
    return compile_with(writer, root, lambda nodes: all_of(map(writer.true, nodes)))


def compile_with(writer: Writer, root: Node, write: Callable[[list[Node]], Piece]) -> Compiled:
    """Compile what `write` makes of conditions that are all to be true.

    While a leaf is refused, `partial` is made of the conditions that can be written.
    """
    refused = writer.refusals(root)
    if refused:
        return Compiled(refused=refused, partial=_partial(writer, root, write))
    text = write([root]).text
    over = _over_limits(text)
    return Compiled(text="" if over else text, refused=over, size=estimate_size(text))


def _partial(writer: Writer, root: Node, write: Callable[[list[Node]], Piece]) -> Partial | None:
    parts = [(part, not writer.refusals(part)) for part in conjuncts(root)]
    kept = [part for part, is_kept in parts if is_kept]
    if not kept:
        return None
    text = write(kept).text
    if _over_limits(text):
        return None
    left_out = [part for part, is_kept in parts if not is_kept]
    return Partial(text=text, kept=tuple(map(describe, kept)), left_out=tuple(map(describe, left_out)))


def estimate_size(text: str) -> int:
    """About how many characters the formula compiles to: calls and fields grow, picklists as text most."""
    return len(text) + 12 * text.count("(") + 40 * text.count("TEXT(")


def _over_limits(text: str) -> list[Refused]:
    if len(text) > SOURCE_LIMIT:
        reason = f"the formula has {len(text):,} characters; Salesforce takes {SOURCE_LIMIT:,}"
        return [Refused("$", reason)]
    size = estimate_size(text)
    if size > COMPILED_LIMIT:
        reason = f"compiled the formula has about {size:,} characters; Salesforce takes {COMPILED_LIMIT:,}"
        return [Refused("$", reason)]
    return []


class Writer:
    """Writes nodes as formulas over one mapping."""

    def __init__(self, mapping: FieldMapping) -> None:
        self.mapping = mapping

    def refusals(self, node: Node) -> list[Refused]:
        """Every leaf below that formulas can't express."""
        refused = []
        for condition in conditions_of(node):
            try:
                self._comparison(condition).true()
            except RefusedError as error:
                refused.append(Refused(condition.path, str(error)))
        return refused

    def true(self, node: Node) -> Piece:
        """True exactly when the node is true. Raises RefusedError for a leaf that formulas can't express."""
        match node:
            case All(children):
                return all_of([self.true(child) for child in children])
            case Any(children):
                return any_of([self.true(child) for child in children])
            case Not(child):
                return self.false(child)
            case _:
                return self._comparison(node).true()

    def false(self, node: Node) -> Piece:
        """True exactly when the node is false, which is not the same as not true when it can be unknown."""
        match node:
            case All(children):
                return any_of([self.false(child) for child in children])
            case Any(children):
                return all_of([self.false(child) for child in children])
            case Not(child):
                return self.true(child)
            case _:
                return self._comparison(node).false()

    def _comparison(self, condition: Leaf | Counted | Staged) -> Comparison:
        if not isinstance(condition, Leaf):
            raise RefusedError(f"Salesforce formulas {no_list_reason(condition)}")
        remote = remote_of(
            self.mapping, condition.field.name, condition.field.label, "Salesforce", SALESFORCE_NAME
        )
        if condition.currency is None:
            return Comparison(condition, remote)
        return MoneyComparison(condition, remote, condition.currency, self._currency())

    def _currency(self) -> RemoteField:
        """Where a record's currency stands; `=USD` as name where every record has the same."""
        found = self.mapping.get(CURRENCY, "")
        name = found if isinstance(found, str) else found.name
        if name.startswith("="):
            return RemoteField(name)
        remote = remote_of(
            self.mapping, CURRENCY, "The currency of the record", "Salesforce", SALESFORCE_NAME
        )
        if remote.values:
            raise RefusedError("The currency of the record is translated on its way from Salesforce")
        return remote
