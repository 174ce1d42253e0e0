"""How Marketing and SDR agree on what an MQL is, as stories."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from definitions.agreement import drafts
from definitions.agreement import signing as agreement
from definitions.agreement.drafts import AgreementError, Conflict, NotYours, Refused, Stale
from definitions.models import Objection, Signature, Version
from effects.models import Effect
from records.models import Connection
from teams.models import Membership, Person, Team
from tests.definitions.agreement_people import Cast, cast, in_force, load_little_model, stricter
from tests.definitions.conftest import NOW, make_record

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def people(
    catalogue: None, hubspot: Connection, salesforce: Connection, house_teams: dict[str, Team]
) -> Cast:
    load_little_model()
    return cast(house_teams)


@pytest.fixture
def draft(people: Cast) -> Version:
    """RevOps wants a larger fleet."""
    opened = drafts.open_draft("definitions", "mql", people.ines, NOW)
    return drafts.save(opened, stricter(opened.body), opened.revision, people.ines, NOW)


@pytest.fixture
def proposed(draft: Version, people: Cast) -> Version:
    return agreement.propose(draft, people.ines, NOW)


def messages(channel: str = "inbox") -> list[tuple[int, str]]:
    rows = Effect.objects.filter(channel=channel).order_by("pk").values_list("payload", flat=True)
    return [(row["person"], row["title"]) for row in rows]


# --- asking and agreeing -----------------------------------------------------------------------------------------


def test_a_change_of_conditions_asks_both_teams(proposed: Version, people: Cast) -> None:
    assert (proposed.state, proposed.needs_agreement) == ("proposed", True)
    assert agreement.missing_teams(proposed) == ("marketing", "sdr")
    title = "REVOPS asks you to agree: Marketing qualified lead, version 2"
    assert messages() == [(people.theo.pk, title), (people.marisol.pk, title)]
    assert messages("email") == messages()


def test_those_who_are_asked_read_how_many_records_change(
    draft: Version, people: Cast, hubspot: Connection
) -> None:
    for i, fleet in enumerate([5, 12, 15, 40]):
        make_record(hubspot, str(i), {"fleet_size": fleet, "demo_requested_at": "2026-03-01T00:00:00Z"})
    proposed = agreement.propose(draft, people.ines, NOW)
    assert proposed.flips is not None
    assert (proposed.flips["gained"], proposed.flips["lost"]) == (0, 2)
    body = Effect.objects.filter(channel="inbox").first().payload["body"]  # type: ignore[union-attr]  # it is there
    assert "+0 new, −2 gone" in body


def test_it_is_in_force_from_the_later_of_both(proposed: Version, people: Cast) -> None:
    agreement.sign(proposed, "marketing", people.theo, NOW + HOUR)
    assert in_force(at=NOW + 2 * HOUR).number == 1
    agreed = agreement.sign(proposed, "sdr", people.marisol, NOW + DAY)
    assert (agreed.state, agreed.effective_from) == ("signed", NOW + DAY)
    assert in_force(at=NOW + DAY - timedelta(seconds=1)).number == 1
    assert in_force(at=NOW + DAY).number == 2


def test_a_wanted_day_ahead_is_kept(draft: Version, people: Cast) -> None:
    wanted = NOW + 30 * DAY
    proposed = agreement.propose(draft, people.ines, NOW, wanted_from=wanted)
    agreement.sign(proposed, "marketing", people.theo, NOW)
    assert agreement.sign(proposed, "sdr", people.marisol, NOW).effective_from == wanted


def test_a_wanted_day_that_has_passed_does_not_rewrite_the_past(draft: Version, people: Cast) -> None:
    proposed = agreement.propose(draft, people.ines, NOW, wanted_from=NOW - 30 * DAY)
    agreement.sign(proposed, "marketing", people.theo, NOW)
    assert agreement.sign(proposed, "sdr", people.marisol, NOW + HOUR).effective_from == NOW + HOUR


def test_who_asks_may_agree_for_the_own_team_at_once(draft: Version, people: Cast) -> None:
    proposed = agreement.propose(draft, people.theo, NOW, signs=["marketing", "sdr"])
    assert agreement.missing_teams(proposed) == ("sdr",)
    assert [person for person, _ in messages()] == [people.marisol.pk]


def test_the_author_is_told_of_each_signature_and_all_of_the_last(proposed: Version, people: Cast) -> None:
    Effect.objects.all().delete()
    agreement.sign(proposed, "marketing", people.theo, NOW)
    assert messages() == [(people.ines.pk, "MARKETING agrees: Marketing qualified lead, version 2")]
    Effect.objects.all().delete()
    agreement.sign(proposed, "sdr", people.marisol, NOW)
    title = "Agreed: Marketing qualified lead, version 2"
    assert sorted(messages()) == sorted([(people.ines.pk, title), (people.theo.pk, title)])


# --- who may -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dana", "theo", "rosalind", "ines", "corinne"])
def test_a_person_of_another_team_may_not_sign(proposed: Version, people: Cast, name: str) -> None:
    with pytest.raises(NotYours, match="Who agrees for SDR: Marisol Tannehurst"):
        agreement.sign(proposed, "sdr", getattr(people, name), NOW)
    assert not Signature.objects.filter(version=proposed).exists()


def test_a_team_that_is_not_asked_can_not_sign(proposed: Version, people: Cast) -> None:
    with pytest.raises(NotYours, match="CS is not asked"):
        agreement.sign(proposed, "cs", people.rosalind, NOW)


def test_where_nobody_of_a_team_leads_whoever_they_report_to_signs(people: Cast) -> None:
    opened = drafts.open_draft("definitions", "sql", people.ines, NOW)
    body = opened.body | {"criteria": {"field": "need_confirmed", "op": "is_true"}}
    asked = agreement.propose(drafts.save(opened, body, 1, people.ines, NOW), people.ines, NOW)
    with pytest.raises(NotYours):
        agreement.sign(asked, "sales", people.felix, NOW)
    assert agreement.sign(asked, "sales", people.corinne, NOW).state == "proposed"
    assert agreement.missing_teams(asked) == ("sdr",)


def test_who_moved_to_another_team_no_longer_signs(proposed: Version, people: Cast) -> None:
    Membership.objects.filter(person=people.marisol).update(ended_at=NOW)
    Person.objects.filter(pk=people.dana.pk).update(manager=people.corinne)
    with pytest.raises(NotYours):
        agreement.sign(proposed, "sdr", people.marisol, NOW + HOUR)


def test_a_change_can_not_leave_a_team_out_without_its_word(people: Cast) -> None:
    opened = drafts.open_draft("definitions", "mql", people.ines, NOW)
    body = stricter(opened.body) | {"agreed_by": ["marketing"]}
    asked = agreement.propose(drafts.save(opened, body, 1, people.ines, NOW), people.ines, NOW)
    assert agreement.missing_teams(asked) == ("marketing", "sdr")


# --- only words --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ines", "theo"])
def test_wording_needs_nobody_of_revops_or_the_owner(people: Cast, name: str) -> None:
    by = getattr(people, name)
    opened = drafts.open_draft("definitions", "mql", by, NOW)
    saved = drafts.save(opened, opened.body | {"text": "Fits, and wants to talk."}, 1, by, NOW)
    published = agreement.propose(saved, by, NOW)
    assert (published.state, published.effective_from, published.needs_agreement) == ("signed", NOW, False)
    assert in_force().body["text"] == "Fits, and wants to talk."
    assert people.marisol.pk in [person for person, _ in messages()]
    assert messages("email") == []


def test_wording_of_another_team_asks_the_owner(people: Cast) -> None:
    opened = drafts.open_draft("definitions", "mql", people.marisol, NOW)
    saved = drafts.save(opened, opened.body | {"text": "Other words."}, 1, people.marisol, NOW)
    asked = agreement.propose(saved, people.marisol, NOW)
    assert (asked.state, agreement.missing_teams(asked)) == ("proposed", ("marketing",))
    assert agreement.sign(asked, "marketing", people.theo, NOW).state == "signed"


def test_a_change_that_moves_no_record_still_asks_when_conditions_change(
    draft: Version, people: Cast
) -> None:
    proposed = agreement.propose(draft, people.ines, NOW)
    assert proposed.flips is not None
    assert proposed.flips["total"] == 0
    assert proposed.state == "proposed"


# --- saying no ---------------------------------------------------------------------------------------------------


def test_an_objection_takes_the_draft_back_to_its_author(proposed: Version, people: Cast) -> None:
    agreement.sign(proposed, "marketing", people.theo, NOW)
    Effect.objects.all().delete()
    for _ in range(2):
        back = agreement.object(proposed, "sdr", people.marisol, "Small fleets buy too.", NOW + HOUR)
    assert back.state == "draft"
    assert [o.text for o in agreement.open_objections(back)] == ["Small fleets buy too."]
    assert not Signature.objects.filter(version=back).exists()
    title = "SDR asks for changes: Marketing qualified lead, version 2"
    assert messages() == [(people.ines.pk, title), (people.theo.pk, title)]
    assert messages("email") == [(people.ines.pk, title)]


def test_proposed_anew_the_objection_no_longer_counts_and_all_sign_again(
    proposed: Version, people: Cast
) -> None:
    agreement.sign(proposed, "marketing", people.theo, NOW)
    back = agreement.object(proposed, "sdr", people.marisol, "Small fleets buy too.", NOW + HOUR)
    saved = drafts.save(back, stricter(back.body, 15), back.revision, people.ines, NOW + HOUR)
    again = agreement.propose(saved, people.ines, NOW + 2 * HOUR)
    assert agreement.missing_teams(again) == ("marketing", "sdr")
    assert agreement.open_objections(again) == []
    assert Objection.objects.count() == 1


def test_an_objection_needs_a_reason(proposed: Version, people: Cast) -> None:
    with pytest.raises(AgreementError, match="Say what should change"):
        agreement.object(proposed, "sdr", people.marisol, "  ", NOW)


def test_withdrawn_it_is_a_draft_again_and_nobody_is_asked(proposed: Version, people: Cast) -> None:
    for _ in range(2):
        assert agreement.withdraw(proposed, people.ines, NOW).state == "draft"
    with pytest.raises(Stale, match="Nobody is asked to agree"):
        agreement.sign(proposed, "sdr", people.marisol, NOW)


def test_what_is_agreed_for_later_can_be_withdrawn_before_it_begins(draft: Version, people: Cast) -> None:
    asked = agreement.propose(draft, people.ines, NOW, wanted_from=NOW + 30 * DAY, signs=[])
    agreement.sign(asked, "marketing", people.theo, NOW)
    agreed = agreement.sign(asked, "sdr", people.marisol, NOW)
    agreement.withdraw(agreed, people.ines, NOW + DAY)
    assert in_force(at=NOW + 60 * DAY).number == 1


# --- refused readably --------------------------------------------------------------------------------------------


def force_version_3(people: Cast) -> Version:
    return Version.objects.create(
        section="definitions", key="mql", number=3, body=stricter(in_force().body, 30), state="signed",
        effective_from=NOW,
    )  # fmt: skip


def test_a_draft_of_an_older_version_is_refused(draft: Version, people: Cast) -> None:
    force_version_3(people)
    with pytest.raises(Stale, match=r"Version 3 is in force since .*; this draft was begun from version 1"):
        agreement.propose(draft, people.ines, NOW)
    rebased = drafts.rebase(draft, people.ines, NOW)
    assert agreement.propose(rebased, people.ines, NOW).state == "proposed"


def test_a_proposal_that_was_overtaken_is_not_signed(proposed: Version, people: Cast) -> None:
    force_version_3(people)
    with pytest.raises(Stale, match="Version 3 is in force"):
        agreement.sign(proposed, "sdr", people.marisol, NOW)


def test_a_body_with_faults_is_not_proposed(draft: Version, people: Cast) -> None:
    body: dict[str, Any] = {**draft.body, "criteria": {"field": "fleet_sise", "op": "is_empty"}}
    saved = drafts.save(draft, body, draft.revision, people.ines, NOW)
    with pytest.raises(Refused) as caught:
        agreement.propose(saved, people.ines, NOW)
    assert "fleet_sise" in caught.value.faults[0].text


def test_what_others_rely_on_can_not_be_broken(people: Cast) -> None:
    with pytest.raises(Refused) as caught:
        agreement.retire("definitions", "mql", people.ines, NOW)
    assert {(f.section, f.key) for f in caught.value.faults} == {("stages", "mql")}


def test_nothing_changed_is_not_proposed(people: Cast) -> None:
    opened = drafts.open_draft("definitions", "mql", people.ines, NOW)
    with pytest.raises(AgreementError, match="Nothing differs from version 1"):
        agreement.propose(opened, people.ines, NOW)


def test_an_edit_while_one_asks_is_a_conflict(draft: Version, people: Cast) -> None:
    drafts.save(draft, stricter(draft.body, 50), draft.revision, people.bram, NOW)
    with pytest.raises(Conflict, match="Bram Ostervald saved this draft"):
        agreement.propose(draft, people.ines, NOW, revision=draft.revision)


def test_one_does_not_sign_what_one_has_not_read(proposed: Version, people: Cast) -> None:
    with pytest.raises(Stale, match="changed since you read it"):
        agreement.sign(proposed, "sdr", people.marisol, NOW, revision=proposed.revision - 1)


# --- killed, and sent twice --------------------------------------------------------------------------------------


def test_killed_in_the_middle_nothing_happened_and_again_it_happens_once(
    draft: Version, people: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*args: object, **kwargs: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(agreement, "enqueue", die)
        with pytest.raises(KeyboardInterrupt):
            agreement.propose(draft, people.ines, NOW)
    draft.refresh_from_db()
    assert (draft.state, draft.proposed_at, messages()) == ("draft", None, [])
    for _ in range(2):
        assert agreement.propose(draft, people.ines, NOW).state == "proposed"
    assert len(messages()) == 2


def test_killed_at_the_last_signature_it_is_not_in_force(
    proposed: Version, people: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    agreement.sign(proposed, "marketing", people.theo, NOW)

    def die(*args: object, **kwargs: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(agreement, "enqueue", die)
        with pytest.raises(KeyboardInterrupt):
            agreement.sign(proposed, "sdr", people.marisol, NOW)
    assert agreement.missing_teams(proposed) == ("sdr",)
    for _ in range(2):
        assert agreement.sign(proposed, "sdr", people.marisol, NOW).state == "signed"
    assert Signature.objects.filter(version=proposed).count() == 2


# --- back, out, and by force -------------------------------------------------------------------------------------


def test_rolling_back_is_a_new_version_with_the_old_words(proposed: Version, people: Cast) -> None:
    agreement.sign(proposed, "marketing", people.theo, NOW)
    agreement.sign(proposed, "sdr", people.marisol, NOW)
    for _ in range(2):
        back = agreement.roll_back("definitions", "mql", 1, people.ines, NOW + DAY)
    assert (back.number, back.note, back.state) == (3, "Back to version 1", "draft")
    assert back.body == Version.objects.get(section="definitions", key="mql", number=1).body
    assert agreement.propose(back, people.ines, NOW + DAY).state == "proposed"


def test_rolling_back_to_what_holds_is_refused(people: Cast) -> None:
    with pytest.raises(Stale, match="says the same as version 1"):
        agreement.roll_back("definitions", "mql", 1, people.ines, NOW)


def test_retired_it_is_out_of_force_and_the_past_stays(people: Cast) -> None:
    for _ in range(2):
        agreement.retire("definitions", "mql_by_sales", people.ines, NOW)
    assert drafts.load_line("definitions", "mql_by_sales").latest is None
    assert in_force("mql_by_sales", at=NOW - DAY).number == 1
    with pytest.raises(NotYours):
        agreement.retire("definitions", "sql", people.theo, NOW)


def test_what_was_retired_can_come_back(people: Cast) -> None:
    agreement.retire("definitions", "mql_by_sales", people.ines, NOW)
    back = agreement.roll_back("definitions", "mql_by_sales", 1, people.ines, NOW + DAY)
    asked = agreement.propose(back, people.ines, NOW + DAY)
    assert agreement.sign(asked, "sdr", people.marisol, NOW + 2 * DAY).state == "signed"
    assert in_force("mql_by_sales", at=NOW + 3 * DAY).number == 2


def test_only_a_system_admin_forces_and_it_shows(proposed: Version, people: Cast, admin: Any) -> None:
    from django.core.exceptions import PermissionDenied

    agreement.sign(proposed, "marketing", people.theo, NOW)
    with pytest.raises(PermissionDenied):
        agreement.put_in_force(proposed, NOW, people.ines, force=True)
    with pytest.raises(AgreementError, match="Still to agree: SDR"):
        agreement.put_in_force(proposed, NOW, admin)
    agreement.put_in_force(proposed, NOW, admin, force=True)
    signed = Signature.objects.filter(version=proposed).values_list("team__key", "is_forced")
    assert sorted(signed) == [("marketing", False), ("sdr", True)]


def test_what_waits_for_me_is_what_my_team_has_not_signed(proposed: Version, people: Cast) -> None:
    assert agreement.waiting_for(people.theo, NOW) == [proposed]
    agreement.sign(proposed, "marketing", people.theo, NOW)
    assert agreement.waiting_for(people.theo, NOW) == []
    assert agreement.waiting_for(people.marisol, NOW) == [proposed]
    assert agreement.waiting_for(people.dana, NOW) == []


@pytest.mark.parametrize(
    ("section", "key", "change", "teams"),
    [
        ("sla_rules", "s2_first_touch", {"target": {"business": "2h"}}, ("marketing", "sdr")),
        ("handoffs", "sdr_to_ae", {"buyer_words": None}, ("sdr", "sales")),
        ("stages", "mql", {"order": 25}, ("marketing",)),
    ],
)
def test_every_section_goes_through_the_same_acts(
    people: Cast, section: str, key: str, change: dict[str, Any], teams: tuple[str, ...]
) -> None:
    opened = drafts.open_draft(section, key, people.ines, NOW)
    asked = agreement.propose(
        drafts.save(opened, {**opened.body, **change}, 1, people.ines, NOW), people.ines, NOW
    )
    assert agreement.missing_teams(asked) == teams
    assert asked.flips is None


def test_working_hours_name_no_team_to_agree_and_revops_sets_them(people: Cast) -> None:
    opened = drafts.open_draft("calendars", "berlin", people.ines, NOW)
    body = {**opened.body, "holidays": ["2026-12-31"]}
    assert (
        agreement.propose(drafts.save(opened, body, 1, people.ines, NOW), people.ines, NOW).state == "signed"
    )
