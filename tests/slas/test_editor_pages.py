"""The rule editor in the browser's requests: the sentence, the draft, the trial, the watching."""

from __future__ import annotations

import html
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from definitions.agreement import drafts, watching
from definitions.agreement import signing as agreement
from definitions.models import Version
from effects.models import Effect
from handoffs.models import Handoff
from slas.editor import trial_views, views
from slas.editor import watching as rule_watching
from slas.editor.controls import controls_of
from slas.models import Clock
from teams.models import Person, Role
from tests.slas.builders import RULES, austin
from tests.slas.conftest import House

pytestmark = pytest.mark.django_db

NOW = austin("Thu 12:00")
OWN = "When a lead becomes MQL, somebody calls within the hour."


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (views, trial_views):
        monkeypatch.setattr(module, "now_utc", lambda: NOW)


def as_(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def text_of(answer: Any) -> str:
    told = re.sub(
        r"<(script|style|head|nav|select)\b.*?</\1>|<[^>]+>", " ", answer.content.decode(), flags=re.DOTALL
    )
    return re.sub(r" (?=[.,:”])", "", " ".join(html.unescape(told).split()))


def edit(key: str = "touch") -> str:
    return reverse("slas:edit_rule", args=[key])


def sent(body: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """What a browser sends of the form that shows a body."""
    return {**controls_of(body or RULES["touch"]), "revision": "0", **more}


def draft(key: str = "touch") -> Version | None:
    return drafts.load_line("sla_rules", key).draft


# --- writing ---------------------------------------------------------------------------------------------------


def test_the_general_form_leads_to_the_sentence_and_the_file_stays(house: House) -> None:
    client = as_(house.revops)
    general = reverse("definitions:edit", args=["sla_rules", "touch"])

    assert client.get(general).headers["Location"] == edit()
    assert client.get(f"{general}?as=yaml").status_code == 200
    assert client.get(reverse("definitions:new", args=["sla_rules"])).headers["Location"] == reverse(
        "slas:new_rule"
    )


def test_the_page_says_the_rule_and_what_it_means_on_a_time_line(house: House) -> None:
    text = text_of(as_(house.revops).get(edit()))

    assert (
        "It says When a lead becomes MQL, a person of the SDR Austin team touches it within 1 business hour."
        in text
    )
    # Twenty minutes before closing on Friday: the other forty are Monday's.
    assert "Fri 13 Nov, 17:10 A lead becomes MQL" in text
    assert "Mon 16 Nov, 09:10 Due" in text
    assert "Mon 16 Nov, 09:10 Whoever has it and their manager are told by inbox and e-mail" in text


def test_a_rule_is_changed_in_its_sentence_and_kept_as_a_draft(house: House) -> None:
    answer = as_(house.revops).post(edit(), sent(**{"tiers-0-amount": "4"}))

    made = draft()
    assert made is not None
    assert made.state == Version.State.DRAFT
    assert (
        answer.headers["Location"] == reverse("definitions:item", args=["sla_rules", "touch"]) + "?version=2"
    )
    assert made.body == {
        **RULES["touch"],
        "target": {"business": "4h"},
        "sentence": "When a lead becomes MQL, a person of the SDR Austin team touches it within 4 business hours.",
    }


def test_own_words_are_kept(house: House) -> None:
    as_(house.revops).post(edit(), sent(sentence=OWN, sentence_own="1"))

    made = draft()
    assert made is not None
    assert made.body == {**RULES["touch"], "sentence": OWN}


def test_what_cannot_be_read_comes_back_as_it_was_typed_with_the_reason_beside_it(house: House) -> None:
    answer = as_(house.revops).post(edit(), sent(**{"tiers-0-amount": "an hour", "name": "Our promise"}))

    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="an hour"' in page
    assert 'value="Our promise"' in page
    assert re.search(r'data-fault-for="tiers-0-amount"[^>]*>Write a whole number\.<', page)
    assert draft() is None


def test_what_makes_no_sense_is_kept_and_said_beside_its_control(house: House) -> None:
    client = as_(house.revops)

    answer = client.post(edit(), sent(to_team="nobody_knows"), follow=True)

    assert draft() is not None
    assert re.search(r'data-fault-for="to_team"[^>]*>[^<]*nobody_knows', answer.content.decode())
    assert "to mend before it can be agreed" in text_of(answer)


def test_a_step_is_added_without_losing_what_was_typed(house: House) -> None:
    answer = as_(house.revops).post(edit(), sent(add="escalate", name="Half typed"))

    page = answer.content.decode()
    assert 'value="Half typed"' in page
    assert 'name="escalate-1-when"' in page
    assert draft() is None


def test_a_tier_is_added_and_taken_away(house: House) -> None:
    client = as_(house.revops)

    two = client.post(edit(), sent(add="tiers"))
    assert two.context["form"].has_tiers
    values = {c.name: list(c.values) for row in two.context["form"].tiers for c in row.controls.values()}
    one = client.post(edit(), {**sent(), **values, "tiers-count": "2", "remove": "tiers-0"})

    assert not one.context["form"].has_tiers
    assert one.context["form"].tiers[0].controls["unit"].value == "business_h"


def test_a_new_rule_begins_with_a_working_hour_and_is_named_by_its_name(house: House) -> None:
    client = as_(house.revops)
    assert client.get(reverse("slas:new_rule")).context["form"].tiers[0].controls["amount"].value == "1"

    client.post(reverse("slas:new_rule"), sent(name="Call them back", key=""))

    made = draft("call_them_back")
    assert made is not None
    assert made.body["name"] == "Call them back"


def test_a_key_that_is_taken_is_refused_beside_it(house: House) -> None:
    answer = as_(house.revops).post(reverse("slas:new_rule"), sent(key="touch"))

    assert answer.status_code == 422
    assert "There is, or was, something with the key “touch”" in text_of(answer)


def test_two_who_edit_at_once_see_both_versions(house: House) -> None:
    client = as_(house.revops)
    client.post(edit(), sent(**{"tiers-0-amount": "2"}))
    first = draft()
    assert first is not None
    client.post(edit(), {**sent(dict(first.body)), "tiers-0-amount": ["3"], "revision": "1"})

    answer = client.post(edit(), {**sent(dict(first.body)), "tiers-0-amount": ["5"], "revision": "1"})

    assert answer.status_code == 409
    held = draft()
    assert held is not None
    assert held.body["target"] == {"business": "3h"}


def test_who_has_no_say_is_sent_back(house: House) -> None:
    outsider = house.person("out", "Una Out", team="sales", role=Role.MANAGER)

    assert as_(outsider).get(edit()).status_code == 302
    assert as_(house.sasha).get(edit()).status_code == 403


def test_while_one_types_it_says_the_sentence_and_what_is_wrong(house: House) -> None:
    answer = as_(house.revops).post(
        reverse("slas:look_at_rule"), sent(key="touch", stop="owner_in_team", **{"tiers-0-amount": "x"})
    )

    told = answer.json()
    assert told["sentence"].startswith(
        "When a lead becomes MQL, an active person of the SDR Austin team owns it"
    )
    assert told["faults"]["tiers-0-amount"] == "Write a whole number."
    assert draft() is None


def test_the_example_begins_when_asked(house: House) -> None:
    told = as_(house.revops).post(
        reverse("slas:look_at_rule"), sent(key="touch", example_day="mon", example_time="10:00")
    )

    assert "Mon 16 Nov, 11:00" in told.json()["html"]


# --- trying ----------------------------------------------------------------------------------------------------


@pytest.fixture
def worked(house: House) -> House:
    house.become_mql("Thu 10:00", remote_id="101")
    house.call("Thu 10:30")
    house.conclude("Thu 10:30")
    return house


def opened(house: House, now: datetime = NOW, **other: Any) -> Version:
    return drafts.open_draft("sla_rules", "touch", house.revops, now, {**RULES["touch"], **other})


def test_a_draft_says_what_it_would_have_done_last_month(worked: House) -> None:
    version = opened(worked, target={"business": "15m"})

    page = as_(worked.revops).get(f"{reverse('slas:try_rule', args=['touch'])}?version={version.number}")

    text = text_of(page)
    assert "In time 0% 100%" in text
    assert "1 × in time → late" in text
    assert "Kestrel 101" in text
    assert not Effect.objects.exists()


def test_its_page_asks_for_the_trial(worked: House) -> None:
    version = opened(worked, target={"business": "15m"})

    page = as_(worked.revops).get(
        reverse("definitions:item", args=["sla_rules", "touch"]) + f"?version={version.number}"
    )

    assert (
        f'hx-get="{reverse("slas:try_rule", args=["touch"])}?version={version.number}"'
        in page.content.decode()
    )


def test_what_is_typed_is_tried_without_being_kept(worked: House) -> None:
    answer = as_(worked.revops).post(
        reverse("slas:try_typed"), sent(key="touch", **{"tiers-0-amount": "20", "tiers-0-unit": "business_m"})
    )

    assert "1 × in time → late" in text_of(answer)
    assert draft() is None


def test_a_half_typed_rule_says_what_is_missing(worked: House) -> None:
    answer = as_(worked.revops).post(reverse("slas:try_typed"), {"name": "New"})

    assert answer.status_code == 200
    assert "Not a rule yet" in text_of(answer)


def test_a_trial_that_takes_long_shows_how_far_it_is(worked: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from slas.editor.trial import running

    for number in range(102, 105):
        worked.become_mql("Thu 10:00", remote_id=str(number))
    monkeypatch.setattr(running, "CHUNK", 1)
    monkeypatch.setattr(
        trial_views, "try_rule", lambda *a, **k: running.try_rule(*a, **{**k, "budget_seconds": -1})
    )
    version = opened(worked, target={"business": "15m"})
    client = as_(worked.revops)
    address = f"{reverse('slas:try_rule', args=['touch'])}?version={version.number}"

    first = client.get(address, headers={"HX-Request": "true"})
    assert "1 of 4 buyers counted" in text_of(first)
    for done in (1, 2):
        client.get(f"{address}&done={done}", headers={"HX-Request": "true"})
    last = client.get(f"{address}&done=3", headers={"HX-Request": "true"})
    assert "Clocks started 4 4" in text_of(last)


# --- watching --------------------------------------------------------------------------------------------------


def test_a_watched_rule_reports_what_would_have_differed_and_writes_nothing(house: House) -> None:
    version = opened(house, austin("Thu 08:30"), target={"business": "15m"})
    watching.watch(version, house.revops, austin("Thu 09:00"), days=7)
    house.become_mql("Thu 10:00", remote_id="101")
    house.call("Thu 10:30")
    house.conclude("Thu 10:30")
    clocks = Clock.objects.count()

    page = as_(house.revops).get(reverse("slas:watched_rule", args=["touch"]) + f"?version={version.number}")

    text = text_of(page)
    assert "1 clock would end differently" in text
    assert "until 19 Nov 2026" in text
    assert "Kestrel 101" in text
    assert (Clock.objects.count(), Effect.objects.count(), Handoff.objects.count()) == (clocks, 0, 0)
    lines = b"".join(
        as_(house.revops).get(
            reverse("slas:export_watched_rule", args=["touch"]) + f"?version={version.number}"
        )  # type: ignore[arg-type]  # a stream
    )
    assert b"Kestrel 101" in lines


def test_the_general_page_of_the_watched_leads_here(house: House) -> None:
    version = watching.watch(opened(house), house.revops, NOW)

    answer = as_(house.revops).get(
        reverse("definitions:watched", args=["sla_rules", "touch"]) + f"?version={version.number}"
    )

    assert (
        answer.headers["Location"]
        == f"{reverse('slas:watched_rule', args=['touch'])}?version={version.number}"
    )


def test_when_the_watching_is_over_revops_is_told_once(house: House) -> None:
    version = watching.watch(opened(house), house.revops, NOW, days=7)
    ends = NOW + timedelta(days=7)

    assert rule_watching.tell_over(NOW) == 0
    assert rule_watching.next_over(NOW) == ends
    assert rule_watching.tell_over(ends) == 1
    assert rule_watching.tell_over(ends + timedelta(hours=1)) == 0
    assert rule_watching.next_over(ends) is None

    told = Effect.objects.get()
    assert told.payload["person"] == house.revops.pk
    assert told.payload["title"] == f"Watched for 7 days: First human touch, version {version.number}"


def test_judgements_are_not_compared_for_a_watched_rule(house: House) -> None:
    watching.watch(opened(house), house.revops, NOW)

    assert watching.next_compare(NOW) is None
    assert watching.compare_due(NOW) == 0


# --- the list, and taking out of force -------------------------------------------------------------------------


def test_the_list_of_rules_says_how_each_fares_and_whom_it_tells(
    worked: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    import definitions.views

    monkeypatch.setattr(definitions.views, "now_utc", lambda: NOW)
    worked.become_mql("Thu 11:50", remote_id="102")

    page = as_(worked.revops).get(reverse("definitions:model") + "?section=sla_rules")

    text = text_of(page)
    assert "100% in time, 30 days 1 open" in text
    assert "Tells whoever has it and their manager when it is late" in text
    assert "Tells nobody" in text
    assert 'href="/clocks/?rule=touch&amp;state=running"' in page.content.decode()


def test_taking_a_rule_out_of_force_says_what_becomes_of_open_clocks(worked: House) -> None:
    worked.become_mql("Thu 11:50", remote_id="102")

    page = as_(worked.revops).get(reverse("definitions:item", args=["sla_rules", "touch"]))
    assert "Clocks that run already go on by it to their end." in page.content.decode()
    agreement.retire("sla_rules", "touch", worked.revops, NOW)
    worked.become_mql("Thu 12:10", remote_id="103")
    worked.conclude("Thu 12:10")

    clocks = Clock.objects.filter(rule_key="touch").values_list("record__remote_id", "state")
    assert dict(clocks) == {"101": "met", "102": "running"}
