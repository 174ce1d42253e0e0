"""Check, create inactive, switch on, switch off, remove. Each can be repeated and goes on where a dead one stopped.

Every act is a run whose steps say what was done, in the CRM's own words where it said any. A row stands before the
thing it names is made there, so that nothing of ours is ever forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from integrations.enforcement.acting import (
    Log,
    Refused,
    acting,
    drifted,
    items_of,
    must_write,
    patiently,
    rules_if_any,
    rules_of,
    settled,
)
from integrations.enforcement.bypass import ensure_bypass, remove_bypass
from integrations.enforcement.counting import count_held
from integrations.enforcement.places import plans_for
from integrations.enforcement.plan import PERMISSION, PlannedRule, StagePlan, fingerprint_of
from integrations.errors import Misconfigured, Rejected
from integrations.models import EnforcementItem, Run, StageCheck
from integrations.salesforce.rules import FoundRule, Rule, Rules
from records.models import Connection

Key = tuple[str, str, str]
"""(pipeline, stage, remote object)"""

Kind, State, Drift = EnforcementItem.Kind, EnforcementItem.State, EnforcementItem.Drift
SIMILAR_READ = 40  # each costs a call


# --- acts ---------------------------------------------------------------------------------------------------------


def check(connection: Connection, now: datetime, by: str = "") -> Run:
    """Count what would be refused now, find rules with the same aim, let the CRM try ours: nothing changes there."""
    with acting(connection, "Check what the CRM would refuse", now, by) as log:
        plans = plans_for(connection, now)
        log.total(len(plans))
        rules = rules_if_any(connection)
        problems = _tried(rules, plans, log) if rules else {}
        similar = _similar(rules, plans, log) if rules else {}
        refused = 0
        for plan in plans:
            if plan.criterion is None:
                log.step(f"{plan.stage_name}: {plan.broken}")
                continue
            held = count_held(plan, connection, now)
            rule = plan.rule
            StageCheck.objects.update_or_create(
                connection=connection,
                pipeline=plan.pipeline,
                stage=plan.stage,
                remote_object=plan.remote_object,
                defaults={
                    "fingerprint": rule.fingerprint if rule else "",
                    "checked_at": now,
                    "refused": held.refused,
                    "unknown": held.unknown,
                    "similar": similar.get(plan.key, []),
                    "problem": problems.get(rule.full_name, "") if rule else "",
                },
            )
            log.step(
                f"{plan.stage_name}: {held.refused} of {held.total} records could not leave it now.", done=1
            )
            refused += held.refused
        many = "record" if refused == 1 else "records"
        log.step(f"Checked: {refused} {many} could not leave a stage now. Nothing was changed.")
    return log.run


def create(connection: Connection, keys: Sequence[Key], now: datetime, by: str = "") -> Run:
    """Make the rules of ``keys``, inactive, and before them what lets our own user pass. Raises Refused.

    A rule that is there and says something else by the model is brought up to date, and is inactive afterwards."""
    must_write(connection)
    plans = {plan.key: plan for plan in plans_for(connection, now)}
    chosen = []
    for key in keys:
        plan = plans.get(key)
        if plan is None or plan.rule is None:
            raise Refused("This stage has nothing that the CRM can hold.")
        _must_be_checked(connection, plan)
        chosen.append((plan, plan.rule))
    with acting(connection, "Create rules, inactive", now, by) as log:
        rules = rules_of(connection)
        log.total(len(chosen))
        ensure_bypass(connection, rules, now, log)
        for plan, rule in chosen:
            _ensure_rule(connection, rules, plan, rule, now, log)
    return log.run


def activate(
    connection: Connection,
    keys: Sequence[Key],
    now: datetime,
    by: str = "",
    *,
    even_while_warning: bool = False,
) -> Run:
    """Switch rules on that stand there inactive and as we made them. Raises Refused."""
    must_write(connection)
    plans = {plan.key: plan for plan in plans_for(connection, now)}
    items = _items(connection, keys)
    for item in items:
        plan = plans.get(key_of(item))
        if item.state not in (State.INACTIVE, State.ACTIVE):
            raise Refused(f"{item.name} is not there yet: create it first.")
        if plan is None or plan.rule is None or plan.rule.fingerprint != item.fingerprint:
            raise Refused(f"{item.name} is out of date: check and create it again first.")
        if plan.is_warning(now.date()) and not even_while_warning:
            raise Refused(f"The model only warns until {plan.warn_until:%d %b %Y}.")
    with acting(connection, "Switch rules on", now, by) as log:
        rules = rules_of(connection)
        log.total(len(items))
        # Without it our own writes, and those of nobody else, would be the first to be refused.
        ensure_bypass(connection, rules, now, log)
        for item in items:
            _switch(rules, item, True, now, log)
    return log.run


def deactivate(connection: Connection, keys: Sequence[Key], now: datetime, by: str = "") -> Run:
    """Switch rules off; allowed while nothing may be written, because it takes something away."""
    items = _items(connection, keys)
    with acting(connection, "Switch rules off", now, by) as log:
        rules = rules_of(connection)
        log.total(len(items))
        for item in items:
            _switch(rules, item, False, now, log)
    return log.run


def remove(connection: Connection, keys: Sequence[Key] | None, now: datetime, by: str = "") -> Run:
    """Delete rules of ours there; ``keys`` None: everything we made to enforce the model, in the right order."""
    what = "Remove everything that enforces the model" if keys is None else "Remove rules"
    with acting(connection, what, now, by) as log:
        rules = rules_of(connection)
        if keys is None:
            items = [i for i in items_of(connection, Kind.RULE) if i.state != State.GIVEN_UP]
        else:
            items = _items(connection, keys)
        log.total(len(items))
        for item in items:
            _remove_rule(rules, item, now, log)
        if keys is None:
            EnforcementItem.objects.filter(connection=connection, kind=Kind.RULE).delete()
            remove_bypass(connection, rules, now, log)
            StageCheck.objects.filter(connection=connection).delete()
            log.step("Nothing of ours refuses a save any more.")
    return log.run


def put_back(item: EnforcementItem, now: datetime, by: str = "") -> Run:
    """Make the CRM's rule ours again, as we had it: active if it was. Raises Refused."""
    must_write(item.connection)
    with acting(item.connection, f"Put ours back: {item.name}", now, by) as log:
        rules = rules_of(item.connection)
        log.total(1)
        if item.kind != Kind.RULE:
            ensure_bypass(item.connection, rules, now, log)
            return log.run
        is_active = item.state == State.ACTIVE
        if is_active:
            ensure_bypass(item.connection, rules, now, log)
        rule = _rule(item, item.deployed, is_active=is_active)
        found = find_rule(rules, item)
        if found is None:
            item.remote_id = patiently(_created, rules, rule)
        else:
            item.remote_id = found.remote_id
            patiently(rules.put, found.remote_id, rule)
        if item.state == State.GIVEN_UP:
            item.state = State.INACTIVE
        settled(item, item.state, now)
        log.step(f"{item.name} is as we made it.", done=1)
    return log.run


def accept(item: EnforcementItem, now: datetime, by: str = "") -> Run:
    """Leave what someone made of our rule, and stop enforcing the stage. Nothing is changed in the CRM."""
    with acting(item.connection, f"Leave theirs: {item.name}", now, by) as log:
        if item.drift == Drift.DELETED:
            item.delete()
            log.step(f"{item.name} is gone there and is no longer wanted.")
        else:
            item.state, item.drift, item.changed_at = State.GIVEN_UP, "", now
            item.save()
            log.step(f"{item.name} is theirs now; gtmops only flags this stage.")
    return log.run


# --- rules --------------------------------------------------------------------------------------------------------


def _ensure_rule(
    connection: Connection, rules: Rules, plan: StagePlan, rule: PlannedRule, now: datetime, log: Log
) -> None:
    item, _ = EnforcementItem.objects.get_or_create(
        connection=connection,
        kind=Kind.RULE,
        name=rule.full_name,
        defaults={"created_at": now, "changed_at": now, "next_look_at": now},
    )
    item.pipeline, item.stage, item.remote_object = plan.key
    item.version_id = plan.version
    item.wanted = {"formula": rule.formula, "message": rule.message, "field": rule.field}
    earlier, item.state = item.state, State.CREATING
    item.save()
    asked = _rule(item, item.wanted, is_active=False)
    found = find_rule(rules, item)
    if found is None:
        item.remote_id = patiently(_created, rules, asked)
        text = "was created, inactive."
    else:
        item.remote_id = found.remote_id
        item.save(update_fields=["remote_id"])
        _must_be_ours(item, found, earlier)
        same = found_fingerprint(found) == rule.fingerprint and not found.rule.is_active
        if not same:
            patiently(rules.put, found.remote_id, asked)
        text = "is there already, inactive." if same else "was brought up to date and is inactive."
    item.deployed, item.fingerprint = item.wanted, rule.fingerprint
    settled(item, State.INACTIVE, now)
    log.step(f"{item.name} {text}", done=1)


def _switch(rules: Rules, item: EnforcementItem, is_active: bool, now: datetime, log: Log) -> None:
    found = find_rule(rules, item)
    if found is None:
        drifted(item, Drift.DELETED, {}, now)
        raise Misconfigured(f"{item.name} is gone in the CRM. Put it back, or stop enforcing the stage.")
    if found_fingerprint(found) != item.fingerprint:
        drifted(item, Drift.EDITED, told(found), now)
        raise Misconfigured(f"{item.name} was changed in the CRM. Put ours back, or leave theirs.")
    if found.rule.is_active != is_active:
        patiently(rules.put, found.remote_id, _rule(item, item.deployed, is_active=is_active))
    settled(item, State.ACTIVE if is_active else State.INACTIVE, now)
    log.step(f"{item.name} is {'active: it refuses saves' if is_active else 'inactive'}.", done=1)


def _remove_rule(rules: Rules, item: EnforcementItem, now: datetime, log: Log) -> None:
    item.state, item.changed_at = State.REMOVING, now
    item.save(update_fields=["state", "changed_at"])
    found = find_rule(rules, item)
    if found is not None and found.is_ours:
        patiently(rules.delete, found.remote_id)
        log.step(f"{item.name} was deleted.", done=1)
    else:
        text = "was gone already" if found is None else "is not ours and was left there"
        log.step(f"{item.name} {text}.", done=1)
    item.delete()


def find_rule(rules: Rules, item: EnforcementItem) -> FoundRule | None:
    """By id; by name while we don't know the id, because a process died between making it and writing it down."""
    if item.remote_id:
        found = patiently(rules.read, item.remote_id)
        if found is not None:
            return found
    remote_object, _, name = item.name.partition(".")
    return patiently(rules.find, remote_object, name)


def _created(rules: Rules, rule: Rule) -> str:
    """The id of the rule; one that an unheard answer left behind is taken as it is, if it is ours."""
    try:
        return rules.create(rule)
    except Rejected as error:
        if not error.code.startswith("DUPLICATE"):
            raise
        found = rules.find(rule.remote_object, rule.name)
        if found is None or not found.is_ours:
            raise
        rules.put(found.remote_id, rule)
        return found.remote_id


def _must_be_ours(item: EnforcementItem, found: FoundRule, earlier: str) -> None:
    """Raises Misconfigured for a rule of somebody else, and for one of ours that somebody changed."""
    if not found.is_ours:
        raise Misconfigured(
            f"There is a rule {item.name} that gtmops did not make. Rename or remove it, then create again."
        )
    if earlier == State.GIVEN_UP:
        return
    known = {item.fingerprint, fingerprint_of(**_words(item.wanted))}
    is_known = found_fingerprint(found) in known or not item.fingerprint and not found.rule.is_active
    if not is_known:
        drifted(item, Drift.EDITED, told(found), found.modified_at or item.changed_at)
        item.state = State.ACTIVE if earlier == State.ACTIVE else State.INACTIVE
        item.save(update_fields=["state"])
        raise Misconfigured(f"{item.name} was changed in the CRM. Put ours back, or leave theirs, first.")


def _words(wanted: dict[str, str]) -> dict[str, str]:
    return {"formula": wanted["formula"], "message": wanted["message"], "field_name": wanted["field"]}


def _rule(item: EnforcementItem, words: dict[str, str], *, is_active: bool) -> Rule:
    remote_object, _, name = item.name.partition(".")
    return Rule(remote_object, name, words["formula"], words["message"], words["field"], is_active)


def found_fingerprint(found: FoundRule) -> str:
    return fingerprint_of(found.rule.formula, found.rule.message, found.rule.field)


def told(found: FoundRule) -> dict[str, object]:
    """What stands in the CRM, for people."""
    return {
        "formula": found.rule.formula,
        "message": found.rule.message,
        "field": found.rule.field,
        "is_active": found.rule.is_active,
        "modified_at": found.modified_at.isoformat() if found.modified_at else "",
        "modified_by": found.modified_by,
    }


# --- checking -----------------------------------------------------------------------------------------------------


def _tried(rules: Rules, plans: Sequence[StagePlan], log: Log) -> dict[str, str]:
    """Full name of a rule to why the CRM would not take it."""
    asked = [
        Rule(p.rule.remote_object, p.rule.name, p.rule.formula, p.rule.message, p.rule.field)
        for p in plans
        if p.rule is not None
    ]
    if not asked:
        return {}
    try:
        problems = patiently(rules.check, asked, PERMISSION)
    except Misconfigured as error:
        # Not everyone may deploy; what is wrong with a rule is then said when it is created.
        log.step(f"The CRM did not check the rules beforehand: {error}")
        return {}
    for problem in problems:
        log.step(f"{problem.name or 'The package'} would not be accepted: {problem.text}")
    if not problems:
        log.step(
            f"The CRM would accept {len(asked)} rule{'' if len(asked) == 1 else 's'}; nothing was changed."
        )
    general = "; ".join(p.text for p in problems if not p.name)
    found = {p.name: p.text for p in problems if p.name}
    return {r.full_name: found.get(r.full_name) or general for r in asked}


def _similar(rules: Rules, plans: Sequence[StagePlan], log: Log) -> dict[Key, list[dict[str, object]]]:
    """Rules of others that speak of the same stage, by stage."""
    found: dict[Key, list[dict[str, object]]] = {}
    for remote_object in sorted({p.remote_object for p in plans}):
        ours = {p.rule.name for p in plans if p.rule is not None}
        lines = [line for line in patiently(rules.lines, remote_object) if line.name not in ours]
        for line in lines[:SIMILAR_READ]:
            rule = patiently(rules.read, line.remote_id)
            if rule is None or rule.is_ours:
                continue
            for plan in plans:
                if plan.remote_object == remote_object and f'"{plan.value}"' in rule.rule.formula:
                    about = {"name": line.name, "is_active": line.is_active, "message": line.message}
                    found.setdefault(plan.key, []).append(about)
        if lines:
            log.step(f"{remote_object} has {len(lines)} rule{'' if len(lines) == 1 else 's'} of its own.")
    return found


def _must_be_checked(connection: Connection, plan: StagePlan) -> None:
    rule = plan.rule
    found = StageCheck.objects.filter(
        connection=connection, pipeline=plan.pipeline, stage=plan.stage, remote_object=plan.remote_object
    ).first()
    if found is None or rule is None or found.fingerprint != rule.fingerprint:
        raise Refused(f"{plan.stage_name}: check it first; the model or the mapping changed since.")
    if found.problem:
        raise Refused(f"{plan.stage_name}: the CRM would not take the rule: {found.problem}")


def _items(connection: Connection, keys: Sequence[Key]) -> list[EnforcementItem]:
    """Raises Refused when one of them was never made."""
    found = {key_of(item): item for item in items_of(connection, Kind.RULE)}
    missing = [key for key in keys if key not in found]
    if missing:
        raise Refused(f"{missing[0][1]} has no rule of ours yet: create it first.")
    return [found[key] for key in keys]


def key_of(item: EnforcementItem) -> Key:
    return (item.pipeline, item.stage, item.remote_object)
