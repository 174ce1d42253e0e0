"""The way from a change to its agreement, in the browser's requests."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from definitions.agreement import drafts, watching
from definitions.agreement import signing as agreement
from definitions.models import Version
from definitions.services import refresh
from records.loading import load_batch
from records.models import Connection, Journey, Record
from teams.models import Person, Team
from tests.definitions.agreement_people import Cast, cast, in_force, load_little_model, stricter
from tests.definitions.conftest import NOW, make_record

pytestmark = pytest.mark.django_db

ASKED = "2026-03-01T00:00:00Z"


@pytest.fixture
def people(
    catalogue: None, hubspot: Connection, salesforce: Connection, house_teams: dict[str, Team]
) -> Cast:
    load_little_model()
    return cast(house_teams)


@pytest.fixture
def records(people: Cast, hubspot: Connection) -> None:
    for i, size in enumerate([5, 12, 15, 40]):
        made = make_record(hubspot, str(i), {"fleet_size": size, "demo_requested_at": ASKED})
        days = 400 if size == 15 else 30
        Record.objects.filter(pk=made.pk).update(created_at_remote=timezone.now() - timedelta(days=days))
    refresh(load_batch(Journey.objects.values_list("pk", flat=True), NOW))


@pytest.fixture
def draft(people: Cast) -> Version:
    opened = drafts.open_draft("definitions", "mql", people.ines, NOW)
    return drafts.save(opened, stricter(opened.body), opened.revision, people.ines, NOW)


def as_(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def item(key: str = "mql", query: str = "", section: str = "definitions") -> str:
    return reverse("definitions:item", args=[section, key]) + query


def act(name: str, key: str = "mql", section: str = "definitions") -> str:
    return reverse("definitions:act", args=[section, key, name])


def edit(key: str = "mql", section: str = "definitions") -> str:
    return reverse("definitions:edit", args=[section, key])


def form_data(page: Any) -> dict[str, Any]:
    """What a browser would send of the edit form as it stands."""
    from definitions.builder.tree_text import write_tree

    data: dict[str, Any] = {"revision": str(page.context["revision"])}

    def add(fields: Any) -> None:
        for field in fields:
            if field.ask.kind == "rows":
                data[f"{field.name}-count"] = str(len(field.rows))
                for row in field.rows:
                    data[f"{row.prefix}kept"] = row.kept
                    add(row.fields)
            else:
                is_tree = field.ask.kind == "condition"
                data[field.name] = write_tree(field.value) if is_tree else field.value

    add(page.context["form"].fields)
    return data


# --- reading -----------------------------------------------------------------------------------------------------


def test_the_sentence_stands_first_with_its_counts(people: Cast, records: None) -> None:
    page = as_(people.dana).get(item())
    assert "A person is “Marketing qualified lead” when Fleet size is at least 10" in page.text
    assert "?object=person&amp;definition=mql&amp;state=met" in page.text
    assert "agreed by MARKETING and SDR" in page.text


def test_it_says_where_it_is_enforced(people: Cast) -> None:
    page = as_(people.dana).get(item())
    places = {p.name: (p.answer, p.reasons) for p in page.context["parts"].places}
    assert places["gtmops"][0] == "yes"
    assert places["Salesforce"] == ("no", ("It is not judged on records of Salesforce.",))
    assert places["HubSpot"][0] == "no"
    assert any("not mapped" in reason for reason in places["HubSpot"][1])


@pytest.mark.parametrize("tab", ["", "conditions", "versions", "yaml"])
def test_every_tab_of_every_thing_opens(people: Cast, tab: str) -> None:
    client = as_(people.ines)
    for version in Version.objects.all():
        page = client.get(item(version.key, f"?tab={tab}", version.section))
        assert page.status_code == 200, version


def test_a_pipeline_shows_its_stages_with_what_must_be_true(people: Cast) -> None:
    page = as_(people.dana).get(item("new_business", "", "pipelines"))
    assert "Success criteria is not empty and Amount is more than 0" in page.text
    assert "Write down what the customer must achieve" in page.text


def test_the_list_marks_what_is_being_written_and_what_waits_for_me(draft: Version, people: Cast) -> None:
    assert "Unpublished changes" in as_(people.dana).get("/model/").text
    agreement.propose(draft, people.ines, NOW)
    mine = as_(people.theo).get("/model/")
    assert [i.key for i in mine.context["waiting"]] == ["mql"]
    assert as_(people.dana).get("/model/").context["waiting"] == ()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=accepted", {"sql"}),
        ("?section=stages&q=won", {"won"}),
        ("?owner=sdr&section=definitions", {"mql_by_sales", "sql"}),
        ("?state=draft", {"mql"}),
    ],
)
def test_the_list_is_searched_and_filtered(draft: Version, people: Cast, query: str, found: set[str]) -> None:
    if "accepted" in query:
        query = "?q=need"
    page = as_(people.dana).get(f"/model/{query}")
    assert found <= {i.key for g in page.context["groups"] for i in g.items}
    assert "lead" not in {i.key for g in page.context["groups"] for i in g.items}


def test_a_search_by_htmx_answers_the_list_alone(people: Cast) -> None:
    page = as_(people.dana).get("/model/?q=won", headers={"HX-Request": "true"})
    assert "<html" not in page.text
    assert "Won" in page.text


def test_two_versions_are_compared_in_words_and_side_by_side(draft: Version, people: Cast) -> None:
    page = as_(people.dana).get(reverse("definitions:compare", args=["definitions", "mql"]) + "?from=1&to=2")
    assert "Fleet size is at least 10 → 20" in page.text
    assert "All of these" in page.text


# --- a draft -----------------------------------------------------------------------------------------------------


def test_a_draft_shows_what_changes_and_who_will_be_asked(draft: Version, people: Cast) -> None:
    page = as_(people.ines).get(item(query="?version=2"))
    assert "Fleet size is at least 10 → 20" in page.text
    assert "Theo Brackwell" in page.text
    assert "Marisol Tannehurst" in page.text
    assert "Ask for agreement" in page.text


def test_those_who_only_read_see_no_button(draft: Version, people: Cast) -> None:
    page = as_(people.dana).get(item(query="?version=2"))
    for button in ("Ask for agreement", "Discard the draft", "Watch only", "/edit/"):
        assert button not in page.text


def test_the_impact_names_who_is_gone(draft: Version, people: Cast, records: None) -> None:
    client = as_(people.ines)
    part = client.get(reverse("definitions:impact", args=["definitions", "mql"]))
    assert "Of all 4: 1 (now 3)" in part.text
    assert re.search(r"last 12 months: <strong>1</strong>\s*\(now 2\)", part.text), "one came earlier"
    assert "−2 gone" in part.text
    gone = client.get(reverse("definitions:changes", args=["definitions", "mql"]) + "?which=lost")
    assert [r.title for r in gone.context["page"]] == ["Record 1", "Record 2"]
    file = client.get(reverse("definitions:export_changes", args=["definitions", "mql"]) + "?which=lost")
    assert b"Record 2" in b"".join(file.streaming_content)  # type: ignore[attr-defined]  # a stream


def test_an_edit_in_the_form_becomes_a_draft(people: Cast) -> None:
    client = as_(people.ines)
    data = form_data(client.get(edit()))
    data["criteria"] = "all:\n  - {field: fleet_size, op: at_least, value: 25}\n"
    data["examples"] = "One.\n\nTwo.\n"
    answer = client.post(edit(), data)
    assert answer.status_code == 302
    saved = Version.objects.get(section="definitions", key="mql", state="draft")
    assert saved.body["criteria"] == {"all": [{"field": "fleet_size", "op": "at_least", "value": 25}]}
    assert saved.body["examples"] == ["One.", "Two."]


@pytest.mark.parametrize(
    ("section", "key"), [("definitions", "mql"), ("stages", "mql"), ("pipelines", "new_business")]
)
def test_a_form_that_nobody_touched_changes_nothing(people: Cast, section: str, key: str) -> None:
    client = as_(people.ines)
    page = client.get(edit(key, section))
    client.post(edit(key, section), form_data(page))
    assert Version.objects.get(section=section, key=key, state="draft").body == in_force(key, section).body


def test_exclusions_and_variants_are_added_in_the_form(people: Cast) -> None:
    client = as_(people.ines)
    data = form_data(client.get(edit()))
    page = client.post(edit(), {**data, "add": "exclusions"})
    data = form_data(page)
    data |= {
        "exclusions-0-name": "Students",
        "exclusions-0-when": "{field: job_title, op: is, value: Student}",
    }
    page = client.post(edit(), {**data, "add": "variants"})
    assert not Version.objects.filter(state="draft").exists()
    data = form_data(page)
    data |= {
        "variants-0-name": "Enterprise",
        "variants-0-when": "{field: fleet_size, op: at_least, value: 200}",
        "variants-0-criteria": "{field: demo_requested_at, op: is_not_empty}",
    }
    client.post(edit(), data)
    body = Version.objects.get(section="definitions", key="mql", state="draft").body
    assert "criteria" not in body
    assert [e["key"] for e in body["exclusions"]] == ["students"]
    assert [v["key"] for v in body["variants"]] == ["enterprise", "everyone_else"]
    assert body["variants"][1]["criteria"] == in_force().body["criteria"]
    # The page that follows shows it, and nothing is to be mended.
    page = client.get(item(query="?version=2"))
    assert page.context["draft"].faults == ()


def test_rows_are_moved_and_removed(people: Cast) -> None:
    client = as_(people.ines)
    data = form_data(client.get(edit("new_business", "pipelines")))
    page = client.post(edit("new_business", "pipelines"), {**data, "move": "stages-1"})
    assert [row.title for row in page.context["form"].fields[-1].rows][:2] == ["Evaluation", "Discovery"]
    page = client.post(edit("new_business", "pipelines"), {**form_data(page), "remove": "stages-0"})
    assert [row.title for row in page.context["form"].fields[-1].rows][:2] == ["Discovery", "Proposal"]


def test_what_can_not_be_read_is_given_back_as_typed(people: Cast) -> None:
    client = as_(people.ines)
    data = form_data(client.get(edit()))
    page = client.post(edit(), {**data, "criteria": "all: [", "name": "My new name"})
    assert page.status_code == 422
    assert "My new name" in page.text
    assert "all: [" in page.text
    assert not Version.objects.filter(state="draft").exists()


def test_other_sections_are_edited_as_a_file_with_faults_by_line(people: Cast) -> None:
    client = as_(people.ines)
    page = client.get(edit("sdr_to_ae", "handoffs"))
    text = page.context["yaml"]
    broken = client.post(edit("sdr_to_ae", "handoffs"), {"yaml": text + "\n  bad: [", "revision": "0"})
    assert broken.status_code == 422
    assert "Line " in broken.text
    client.post(edit("sdr_to_ae", "handoffs"), {"yaml": text.replace("long_text", "poem"), "revision": "0"})
    page = client.get(item("sdr_to_ae", "?version=2", "handoffs"))
    assert page.context["draft"].faults
    assert "To mend before it can be agreed" in page.text


def test_a_new_definition_is_begun_and_named_by_its_name(people: Cast) -> None:
    client = as_(people.ines)
    address = reverse("definitions:new", args=["definitions"])
    data = form_data(client.get(address)) | {
        "name": "Warm lead", "owner": "sdr", "agreed_by": ["sdr"], "text": "A lead that answers.",
        "criteria": "{field: email, op: is_not_empty}",
    }  # fmt: skip
    answer = client.post(address, data)
    assert answer.headers["Location"] == item("warm_lead", "?version=1")
    assert "Warm lead" in client.get("/model/").text
    again = client.post(address, data)
    assert again.status_code == 422
    assert "There is, or was, something with the key “warm_lead”" in again.text


def test_a_person_of_another_team_is_sent_back(people: Cast) -> None:
    answer = as_(people.rosalind).get(edit(), follow=True)
    assert "Only a manager or leader of MARKETING or SDR or RevOps changes this." in answer.text


# --- two editors -------------------------------------------------------------------------------------------------


def test_two_of_revops_edit_the_same_draft_and_both_stand(draft: Version, people: Cast) -> None:
    ines, bram = as_(people.ines), as_(people.bram)
    first, second = form_data(ines.get(edit())), form_data(bram.get(edit()))
    ines.post(edit(), first | {"name": "Marketing lead"})
    page = bram.post(edit(), second | {"play": "Call within the hour."})
    assert page.status_code == 409
    assert "Ines Kalderon saved this draft while you were editing it." in page.text
    assert (
        "Name: “Marketing qualified → lead”"
        in page.text.replace("“Marketing qualified lead → Marketing lead”", "“Marketing qualified → lead”")
        or "Marketing" in page.text
    )
    both = {"revision": str(page.context["theirs"].revision), "json": page.context["both_json"]}
    assert page.context["can_keep_both"]
    bram.post(edit(), both)
    draft.refresh_from_db()
    assert (draft.body["name"], draft.body["play"]) == ("Marketing lead", "Call within the hour.")


def test_one_of_two_may_take_the_own(draft: Version, people: Cast) -> None:
    ines, bram = as_(people.ines), as_(people.bram)
    first, second = form_data(ines.get(edit())), form_data(bram.get(edit()))
    ines.post(edit(), first | {"name": "A"})
    page = bram.post(edit(), second | {"name": "B"})
    assert not page.context["can_keep_both"]
    assert page.context["clashes"] == ["name"]
    bram.post(edit(), {"revision": str(page.context["theirs"].revision), "json": page.context["mine_json"]})
    draft.refresh_from_db()
    assert draft.body["name"] == "B"


def test_two_who_begin_a_draft_at_once_are_told(people: Cast) -> None:
    ines, bram = as_(people.ines), as_(people.bram)
    first, second = form_data(ines.get(edit())), form_data(bram.get(edit()))
    ines.post(edit(), first | {"name": "A"})
    assert bram.post(edit(), second | {"play": "B"}).status_code == 409


# --- agreeing ----------------------------------------------------------------------------------------------------


def test_marketing_and_sdr_agree_on_the_page(draft: Version, people: Cast) -> None:
    revision = str(draft.revision)
    asked = as_(people.ines).post(act("propose"), {"version": "2", "revision": revision}, follow=True)
    assert "Asked MARKETING and SDR to agree to version 2." in asked.text
    theo = as_(people.theo)
    page = theo.get(item(query="?version=2"))
    assert "Agree for MARKETING" in page.text
    assert "Agree for SDR" not in page.text
    theo.post(act("sign"), {"version": "2", "team": "marketing", "revision": revision})
    said = as_(people.marisol).post(
        act("sign"), {"version": "2", "team": "sdr", "revision": revision}, follow=True
    )
    assert "All teams have: in force from now." in said.text
    assert Version.objects.get(pk=draft.pk).state == "signed"


def test_a_day_is_read_in_the_viewers_zone(draft: Version, people: Cast) -> None:
    people.ines.time_zone = "Europe/Berlin"
    people.ines.save()
    data = {"version": "2", "revision": str(draft.revision), "wanted_from": "2099-07-01T08:00"}
    as_(people.ines).post(act("propose"), data)
    draft.refresh_from_db()
    assert draft.wanted_from is not None
    assert draft.wanted_from.isoformat() == "2099-07-01T06:00:00+00:00"


def test_a_reason_to_change_is_shown_to_the_author(draft: Version, people: Cast) -> None:
    agreement.propose(draft, people.ines, NOW)
    as_(people.marisol).post(act("object"), {"version": "2", "team": "sdr", "text": "Small fleets buy too."})
    page = as_(people.ines).get(item(query="?version=2"))
    assert "SDR asks for changes" in page.text
    assert "Small fleets buy too." in page.text


def test_a_refusal_is_said_on_the_page(draft: Version, people: Cast) -> None:
    agreement.propose(draft, people.ines, NOW)
    page = as_(people.rosalind).post(act("sign"), {"version": "2", "team": "sdr"}, follow=True)
    assert "Who agrees for SDR: Marisol Tannehurst." in page.text


def test_a_rep_may_not_act(draft: Version, people: Cast) -> None:
    assert as_(people.dana).post(act("propose"), {"version": "2"}).status_code == 403


def test_an_act_nobody_knows_is_not_found(draft: Version, people: Cast) -> None:
    assert as_(people.ines).post(act("burn")).status_code == 404


def test_back_to_an_older_version_from_the_list_of_versions(draft: Version, people: Cast) -> None:
    agreed = agreement.propose(draft, people.ines, NOW)
    agreement.sign(agreed, "marketing", people.theo, NOW)
    agreement.sign(agreed, "sdr", people.marisol, NOW)
    client = as_(people.ines)
    page = client.get(item(query="?tab=versions"))
    assert "Back to this" in page.text
    assert "Fleet size is at least 10 → 20" in page.text
    back = client.post(act("roll_back"), {"number": "1"}, follow=True)
    assert "A draft with the words of version 1 is open." in back.text


def test_the_watch_is_reported_and_exported(draft: Version, people: Cast, records: None) -> None:
    watching.watch(draft, people.ines, NOW, days=90)
    Version.objects.filter(pk=draft.pk).update(watch_until="2099-01-01T00:00:00Z")
    watching.compare_due(NOW)
    refresh(load_batch(Journey.objects.values_list("pk", flat=True), NOW))
    client = as_(people.ines)
    address = reverse("definitions:watched", args=["definitions", "mql"])
    page = client.get(address)
    assert "2 records would be judged differently" in page.text
    assert "Passed now, Missing by version 2" in page.text
    assert "Record 1" in page.text
    file = client.get(address + "export/")
    assert b"".join(file.streaming_content).count(b"Record ") == 2  # type: ignore[attr-defined]  # a stream


def test_retired_from_its_page(people: Cast) -> None:
    page = as_(people.ines).post(act("retire", "mql_by_sales"), follow=True)
    assert "Out of force. What was judged by it stays as it was." in page.text


def test_what_others_need_is_not_retired_and_they_are_named(people: Cast) -> None:
    page = as_(people.ines).post(act("retire"), follow=True)
    assert "stages › mql › definition" in page.text


def test_the_conflict_keeps_the_json_plain(draft: Version, people: Cast) -> None:
    answer = as_(people.ines).post(edit(), {"json": json.dumps([1]), "revision": "2"})
    assert answer.status_code == 422


def test_what_takes_too_long_to_judge_is_said(
    draft: Version, people: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    from definitions.builder import trying

    monkeypatch.setattr(trying, "within", lambda seconds, ask: None)
    page = as_(people.ines).get(reverse("definitions:changes", args=["definitions", "mql"]))
    assert "It took longer than half a minute" in page.text
