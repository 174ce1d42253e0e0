"""The error condition of a validation rule that holds a stage's exit criteria."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from definitions.criteria.compiled import SALESFORCE_NAME, Compiled, FieldMapping, Refused, RefusedError
from definitions.criteria.criterion import Criterion
from definitions.criteria.nodes import Node
from definitions.criteria.targets.salesforce import Writer, compile_with
from definitions.criteria.targets.salesforce_pieces import Piece, all_of, any_of, date_literal, literal, not_

BYPASS_PERMISSION = "Gtm_Bypass_Validation"


def exit_rule(
    criterion: Criterion,
    mapping: FieldMapping,
    *,
    stage_field: str,
    stage: str,
    stages: Sequence[str],
    lost: Sequence[str] = (),
    exempt: Criterion | None = None,
    valid_from: date | None = None,
    bypass: str = BYPASS_PERMISSION,
) -> Compiled:
    """True, so that the save is refused, when a record leaves `stage` while the criterion is false of it.

    `stage_field` is the remote name of the stage picklist; `stage`, `stages` (in order) and `lost` are its
    values there. Free are: going to a lost stage or back to an earlier one, new records, records of which
    `exempt` is true, everything before `valid_from`, and users with the custom permission `bypass`.
    Where the criterion is unknown the save goes through.

    `text` is the whole rule. When leaves are refused it is empty, and `partial`, if any, holds the rule of
    the conditions that can be held: it stops fewer saves, never others. When a leaf of `exempt` is refused,
    or `$` because no formula can hold the stage or the date, there is neither.
    """
    writer = Writer(mapping)
    refused = writer.refusals(exempt.root) if exempt is not None else []
    earlier = stages[: stages.index(stage)] if stage in stages else ()
    free = [value for value in dict.fromkeys([*earlier, *lost]) if value != stage]
    try:
        moves = _moves(stage_field, stage, free)
        if valid_from is not None:
            moves.append(Piece(f"TODAY() >= {date_literal(valid_from)}"))
    except RefusedError as error:
        refused.append(Refused("$", str(error)))
    if refused:
        # Without its exemption the rule would stop saves that nobody agreed to stop.
        return Compiled(refused=[*writer.refusals(criterion.root), *refused])
    guards = [not_(Piece(f"$Permission.{bypass}")), not_(Piece("ISNEW()")), *moves]
    if exempt is not None:
        guards.append(not_(writer.true(exempt.root)))

    def write(conditions: list[Node]) -> Piece:
        return all_of([*guards, any_of([writer.false(condition) for condition in conditions])])

    return compile_with(writer, criterion.root, write)


def _moves(field: str, stage: str, free: Sequence[str]) -> list[Piece]:
    """The stage was this one and is none of the free ones now."""
    if not SALESFORCE_NAME.fullmatch(field):
        raise RefusedError("the stage is not mapped to a field in Salesforce")
    return [
        Piece(f"ISCHANGED({field})"),
        Piece(f"ISPICKVAL(PRIORVALUE({field}), {literal(stage)})"),
        *(not_(Piece(f"ISPICKVAL({field}, {literal(value)})")) for value in free),
    ]
