"""Who is nobody's lead in the demo company, and what its product saw."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta

from definitions.signals.events import read_event, signal_name
from integrations.standins.fernhill import counting
from integrations.standins.fernhill.product import (
    ACTIVATED,
    GROWING,
    POWER_USERS,
    STRANGERS,
    ProductUser,
    product_events,
)
from integrations.standins.fernhill.relationships import APART, DO_NOT_CONTACT, OPTED_OUT, TRIALS
from tests.integrations.standins.fernhill.conftest import ANCHOR

USERS = [ProductUser(f"u_{i}", "paid" if i % 4 else "trial") for i in range(200)]


def test_exclusions_take_nobody_from_the_two_rules(world):
    year = {c["id"] for c in counting.contacts_of_the_year(world)}
    apart = Counter()
    for contact in world["hubspot"]["contacts"]:
        f = contact["fields"]
        is_apart = f["relationship"] != "prospect" or f["do_not_contact"] or f["hs_email_optout"]
        apart[f["relationship"]] += 1
        if is_apart and contact["id"] in year:
            assert not counting.meets_marketing_rule(contact)
            assert not counting.meets_sales_rule(contact)
    assert {name: apart[name] for name in APART} == APART
    contacts = [c["fields"] for c in world["hubspot"]["contacts"]]
    assert sum(f["do_not_contact"] for f in contacts) == DO_NOT_CONTACT
    assert sum(f["hs_email_optout"] for f in contacts) == OPTED_OUT
    assert sum(f["product_plan"] in ("trial", "free") for f in contacts) == TRIALS
    assert all((f["product_user_id"] is None) == (f["product_plan"] is None) for f in contacts)
    ids = [f["product_user_id"] for f in contacts if f["product_user_id"]]
    assert len(ids) == len(set(ids))


def test_the_product_tells_the_same_for_the_same_moment_and_nothing_of_the_future():
    events = product_events(USERS, ANCHOR)
    assert events == product_events(list(reversed(USERS)), ANCHOR)
    assert len({e["messageId"] for e in events}) == len(events)
    read = [read_event(event, ANCHOR) for event in events]
    assert max(e.occurred_at for e in read) <= ANCHOR
    assert {e.user_ref for e in read} >= set(STRANGERS)


def test_some_users_reach_what_triggers_and_pql_ask_for():
    by_user: dict[tuple[str, str], list] = defaultdict(list)
    for event in product_events(USERS, ANCHOR):
        read = read_event(event, ANCHOR)
        by_user[read.user_ref, signal_name(event["event"])].append(read.occurred_at)

    def reach(name: str, count: int, days: int) -> set[str]:
        return {
            user
            for (user, told), moments in by_user.items()
            if told == name
            and any(
                sum(m - timedelta(days=days) <= other <= m for other in moments) >= count for m in moments
            )
        }

    assert len(reach("report_exported", 5, 7)) >= POWER_USERS
    assert len(reach("vehicle_added", 5, 30)) >= GROWING
    assert len(reach("workspace_invited", 3, 14) & reach("report_exported", 1, 14)) >= ACTIVATED
