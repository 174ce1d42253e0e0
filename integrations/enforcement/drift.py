"""What people changed of our rules in the CRM: found, shown and told; never overwritten by itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Min, Q, QuerySet
from django.urls import reverse

from effects.outbox import Intent, enqueue
from integrations.enforcement.acting import Log, Refused, acting, patiently, rules_of
from integrations.enforcement.bypass import OBJECTS
from integrations.enforcement.services import Drift, Kind, State, find_rule, found_fingerprint, told
from integrations.models import EnforcementItem, Run
from integrations.salesforce.rules import FoundRule, Rules
from records.models import Connection
from teams.models import Person, Role

WATCHED = Q(kind=Kind.RULE, state__in=[State.INACTIVE, State.ACTIVE]) | Q(
    kind__in=list(OBJECTS), state=State.CREATED
)
RETRY = timedelta(minutes=15)
WORDS = {
    Drift.EDITED: "was changed",
    Drift.SWITCHED_OFF: "was switched off",
    Drift.SWITCHED_ON: "was switched on",
    Drift.DELETED: "was deleted",
}


def find_drift(connection: Connection, now: datetime, by: str = "") -> Run:
    """Read everything of ours back and say what differs; changes nothing there. RevOps is told once of each finding."""
    with acting(connection, "Look whether our rules stand as we made them", now, by) as log:
        rules = rules_of(connection)
        items = list(_watched().filter(connection=connection))
        # Before it is read: a CRM that can't be read is asked again soon, not at once.
        _watched().filter(connection=connection).update(next_look_at=now + RETRY)
        log.total(len(items))
        for item in items:
            _look(rules, item, now, log)
        _watched().filter(connection=connection).update(
            next_look_at=now + timedelta(seconds=settings.GTMOPS.rules_check_seconds)
        )
        changed = [item for item in items if item.drift]
        log.step(f"Of {len(items)} things we made, {len(changed) or 'none'} stand otherwise there now.")
        _tell(changed, now)
    return log.run


def look_due(now: datetime) -> int:
    """Read back the rules of one connection whose time has come. Returns connections done (0 or 1)."""
    row = _due().filter(next_look_at__lte=now).select_related("connection").first()
    if row is None:
        return 0
    try:
        find_drift(row.connection, now)
    except Refused:
        _watched().filter(connection=row.connection).update(next_look_at=now + RETRY)
    return 1


def next_due(now: datetime) -> datetime | None:
    found: datetime | None = _due().aggregate(at=Min("next_look_at"))["at"]
    return found


def _due() -> QuerySet[EnforcementItem]:
    return _watched().filter(connection__state=Connection.State.ACTIVE).order_by("next_look_at")


def _watched() -> QuerySet[EnforcementItem]:
    return EnforcementItem.objects.filter(WATCHED)


def _look(rules: Rules, item: EnforcementItem, now: datetime, log: Log) -> None:
    found: FoundRule | None = None
    if item.kind == Kind.RULE:
        found = find_rule(rules, item)
        drift = _drift_of(item, found)
    else:
        is_there = patiently(rules.exists, OBJECTS[Kind(item.kind)], item.remote_id)
        drift = "" if is_there else Drift.DELETED
    item.drift, item.seen_at = drift, now
    item.found = told(found) if drift and found is not None else {}
    item.save(update_fields=["drift", "found", "seen_at"])
    log.step(f"{item.name} {WORDS[Drift(drift)] if drift else 'stands as we made it'}.", done=1)


def _drift_of(item: EnforcementItem, found: FoundRule | None) -> str:
    if found is None:
        return Drift.DELETED
    if found_fingerprint(found) != item.fingerprint:
        return Drift.EDITED
    if found.rule.is_active == (item.state == State.ACTIVE):
        return ""
    return Drift.SWITCHED_ON if found.rule.is_active else Drift.SWITCHED_OFF


def _tell(items: Iterable[EnforcementItem], now: datetime) -> None:
    """One message per finding and RevOps admin: the key holds what was found."""
    people = list(Person.objects.filter(role=Role.REVOPS_ADMIN, is_active=True).values_list("pk", flat=True))
    intents = [
        Intent(
            channel="inbox",
            key=f"enforcement:{item.pk}:{_digest(item)}:{person}",
            payload={
                "person": person,
                "severity": "soon",
                "title": f"{item.name} {WORDS[Drift(item.drift)]} in {item.connection.label}",
                "body": "Put ours back, or leave theirs and stop enforcing. Until then nothing is changed there.",
                "href": reverse("integrations:rules"),
            },
        )
        for item in items
        for person in people
    ]
    enqueue(intents, now=now)


def _digest(item: EnforcementItem) -> str:
    told_text: dict[str, Any] = {
        "drift": item.drift,
        "found": item.found,
        "since": item.changed_at.isoformat(),
    }
    return hashlib.sha256(json.dumps(told_text, sort_keys=True).encode()).hexdigest()[:16]
