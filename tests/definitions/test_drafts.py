"""Two people of RevOps edit the same draft."""

from __future__ import annotations

import pytest

from definitions.agreement import drafts
from definitions.agreement.drafts import Conflict, NotYours, Stale
from definitions.models import Version
from records.models import Connection
from teams.models import Team
from tests.definitions.agreement_people import Cast, cast, in_force, load_little_model, stricter
from tests.definitions.conftest import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(
    catalogue: None, hubspot: Connection, salesforce: Connection, house_teams: dict[str, Team]
) -> Cast:
    load_little_model()
    return cast(house_teams)


def test_a_draft_begins_with_what_is_in_force(people: Cast) -> None:
    draft = drafts.open_draft("definitions", "mql", people.ines, NOW)
    assert (draft.number, draft.state, draft.body) == (2, "draft", in_force().body)
    assert draft.based_on == in_force()


def test_opened_by_two_it_is_one_draft(people: Cast) -> None:
    first = drafts.open_draft("definitions", "mql", people.ines, NOW)
    assert drafts.open_draft("definitions", "mql", people.bram, NOW) == first


def test_what_is_saved_is_kept_with_who_saved_it(people: Cast) -> None:
    draft = drafts.open_draft("definitions", "mql", people.ines, NOW)
    saved = drafts.save(draft, stricter(draft.body), 1, people.bram, NOW)
    assert (saved.revision, saved.edited_by, saved.body["criteria"]["all"][0]["value"]) == (
        2,
        people.bram,
        20,
    )


def test_saved_twice_is_saved_once(people: Cast) -> None:
    draft = drafts.open_draft("definitions", "mql", people.ines, NOW)
    for _ in range(2):
        saved = drafts.save(draft, stricter(draft.body), 1, people.ines, NOW)
    assert saved.revision == 2


def test_the_second_of_two_editors_is_told_who_changed_what(people: Cast) -> None:
    draft = drafts.open_draft("definitions", "mql", people.ines, NOW)
    begun = dict(draft.body)
    drafts.save(draft, begun | {"name": "Marketing lead"}, 1, people.ines, NOW)
    with pytest.raises(Conflict) as caught:
        drafts.save(draft, stricter(begun), 1, people.bram, NOW)
    conflict = caught.value
    assert conflict.text == "Ines Kalderon saved this draft while you were editing it."
    assert (conflict.theirs.body["name"], conflict.base) == ("Marketing lead", begun)
    both, clashes = conflict.both
    assert (both["name"], both["criteria"], clashes) == ("Marketing lead", stricter(begun)["criteria"], [])


def test_where_both_changed_the_same_it_is_named(people: Cast) -> None:
    draft = drafts.open_draft("definitions", "mql", people.ines, NOW)
    begun = dict(draft.body)
    drafts.save(draft, begun | {"name": "A"}, 1, people.ines, NOW)
    with pytest.raises(Conflict) as caught:
        drafts.save(draft, begun | {"name": "B"}, 1, people.bram, NOW)
    assert caught.value.both[1] == [("name",)]


def test_a_discarded_draft_is_kept_and_a_new_one_may_begin(people: Cast) -> None:
    draft = drafts.open_draft("definitions", "mql", people.ines, NOW)
    for _ in range(2):
        assert drafts.discard(draft, people.ines, NOW).state == "retired"
    assert drafts.open_draft("definitions", "mql", people.ines, NOW).number == 3
    with pytest.raises(Stale, match="no draft any more: it was withdrawn"):
        drafts.save(draft, {}, 1, people.ines, NOW)


@pytest.mark.parametrize("name", ["theo", "marisol", "ines"])
def test_who_has_a_say_may_edit(people: Cast, name: str) -> None:
    assert drafts.open_draft("definitions", "mql", getattr(people, name), NOW).state == "draft"


@pytest.mark.parametrize("name", ["dana", "rosalind", "felix"])
def test_a_person_of_another_team_and_a_rep_may_not(people: Cast, name: str) -> None:
    with pytest.raises(NotYours, match="Only a manager or leader of MARKETING or SDR or RevOps changes this"):
        drafts.open_draft("definitions", "mql", getattr(people, name), NOW)
    assert not Version.objects.filter(state="draft").exists()


def test_something_new_is_for_revops(people: Cast) -> None:
    body = {"name": "PQL"}
    with pytest.raises(NotYours, match="Only RevOps adds"):
        drafts.open_draft("definitions", "pql", people.theo, NOW, body)
    draft = drafts.open_draft("definitions", "pql", people.ines, NOW, body)
    assert (draft.number, draft.based_on) == (1, None)


def test_a_draft_takes_over_what_came_into_force_since(people: Cast) -> None:
    draft = drafts.open_draft("definitions", "mql", people.ines, NOW)
    draft = drafts.save(draft, stricter(draft.body), 1, people.ines, NOW)
    newer = Version.objects.create(
        section="definitions", key="mql", number=3, state="signed", effective_from=NOW,
        body=in_force().body | {"name": "Marketing lead"},
    )  # fmt: skip
    for _ in range(2):
        rebased = drafts.rebase(draft, people.ines, NOW)
    assert rebased.based_on == newer
    assert (rebased.body["name"], rebased.body["criteria"]["all"][0]["value"]) == ("Marketing lead", 20)


def test_the_history_says_who_did_it(people: Cast) -> None:
    from django.apps import apps

    draft = drafts.open_draft("definitions", "mql", people.ines, NOW)
    kept = apps.get_model("definitions", "VersionEvent").objects.filter(pgh_obj=draft).get()
    assert kept.pgh_context.metadata["by"] == people.ines.email
    assert kept.pgh_context.metadata["model_act"] == "open_draft"
