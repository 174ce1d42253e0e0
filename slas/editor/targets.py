"""How much time a rule gives, as rows of the form and back (pure): its target, or one for each tier."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from definitions.builder.tree_text import write_tree
from slas.durations import parse_duration
from slas.editor.posted import (
    ABSENT,
    AS_WRITTEN,
    Body,
    Fault,
    Values,
    count_of,
    is_whole,
    kept_of,
    one_of,
    tree_of,
)

ELAPSED, BUSINESS = "elapsed", "business"
UNITS: Mapping[str, tuple[str, int]] = {
    "elapsed_s": (ELAPSED, 1), "elapsed_m": (ELAPSED, 60), "elapsed_h": (ELAPSED, 3600), "elapsed_d": (ELAPSED, 86_400),
    "business_s": (BUSINESS, 1), "business_m": (BUSINESS, 60), "business_h": (BUSINESS, 3600),
}  # fmt: skip
BUSINESS_DAYS = "business_days"
BEFORE = "before:"
_LETTERS = {1: "s", 60: "m", 3600: "h", 86_400: "d"}

TIER_CONTROLS = ("name", "when", "amount", "unit", "kept")


def show_target(target: Any) -> tuple[str, str]:
    """(amount, unit) of a target; ("", "") for what no form has a word for."""
    if not isinstance(target, Mapping) or len(target) != 1:
        return "", ""
    kind, told = next(iter(target.items()))
    text = str(told).strip()
    if kind == BUSINESS_DAYS:
        return text, BUSINESS_DAYS
    if kind == "before":
        return "", f"{BEFORE}{text}"
    if kind not in (ELAPSED, BUSINESS):
        return "", ""
    seconds = parse_duration(text)
    fitting = [(n, unit) for unit, (of, n) in UNITS.items() if of == kind and seconds and seconds % n == 0]
    if not fitting:
        return text, f"{kind}_m"
    size, unit = max(fitting)
    return str(seconds // size), unit


def read_target(amount: str, unit: str) -> Any:
    """The target; AS_WRITTEN for no unit, None for an amount that is no number."""
    if unit.startswith(BEFORE):
        return {"before": unit.removeprefix(BEFORE)}
    if unit not in UNITS and unit != BUSINESS_DAYS:
        return AS_WRITTEN
    if not is_whole(amount):
        return None
    if unit == BUSINESS_DAYS:
        return {BUSINESS_DAYS: int(amount)}
    kind, size = UNITS[unit]
    return {kind: f"{int(amount)}{_LETTERS[size]}"}


def tiers_of(body: Body) -> list[Mapping[str, Any]]:
    """The rows of ``targets``; of a rule with one target that one."""
    rows = body.get("targets")
    if isinstance(rows, list | tuple) and rows and all(isinstance(row, Mapping) for row in rows):
        return list(rows)
    return [{"target": body["target"]}] if "target" in body else [{}]


def show_tiers(body: Body) -> dict[str, list[str]]:
    rows = tiers_of(body)
    found = {"tiers-count": [str(len(rows))]}
    for i, row in enumerate(rows):
        amount, unit = show_target(row.get("target"))
        found |= {
            f"tiers-{i}-name": [str(row.get("name") or "")],
            f"tiers-{i}-when": [write_tree(row.get("when"))],
            f"tiers-{i}-amount": [amount],
            f"tiers-{i}-unit": [unit],
            f"tiers-{i}-kept": [json.dumps(row)],
        }
    return found


def read_tiers(posted: Values) -> tuple[Any, list[Fault]]:
    faults: list[Fault] = []
    rows = []
    for i in range(count_of(posted, "tiers")):
        prefix = f"tiers-{i}-"
        kept = kept_of(posted, prefix)
        row = {k: v for k, v in kept.items() if k not in ("name", "when", "target")}
        if name := one_of(posted, f"{prefix}name"):
            row["name"] = name
        tree, wrong = tree_of(posted, f"{prefix}when")
        faults += wrong
        if tree is AS_WRITTEN:
            tree = kept.get("when", ABSENT)
        if tree is not ABSENT:
            row["when"] = tree
        amount, unit = one_of(posted, f"{prefix}amount"), one_of(posted, f"{prefix}unit")
        target = read_target(amount, unit)
        if (amount, unit) == show_target(kept.get("target")) or target is AS_WRITTEN:
            target = kept.get("target")
        elif target is None:
            faults.append(Fault(f"{prefix}amount", "Write a whole number."))
            target = kept.get("target")
        if target is not None:
            row["target"] = target
        rows.append(row)
    return rows, faults


def put_tiers(body: dict[str, Any], rows: Any) -> None:
    if len(rows) == 1 and not set(rows[0]) - {"target", "name"}:
        body.pop("targets", None)
        body["target"] = rows[0].get("target")
        if body["target"] is None:
            del body["target"]
        return
    body.pop("target", None)
    body["targets"] = rows
