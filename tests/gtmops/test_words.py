from __future__ import annotations

import pytest
from django.db.models import TextChoices

from definitions.models import JudgementState, Version
from gtmops import words
from handoffs.models import Handoff
from integrations.models import Run
from records.models import Connection, DesiredField
from slas.models import Clock
from teams.models import Role


@pytest.mark.parametrize(
    ("code", "page"),
    [
        ("pull", "Read from CRM"),
        ("push", "Send to CRM"),
        ("desired_field", "What we write"),
        ("provisioning", "Fields we will create"),
        ("rebuild", "Recalculate from history"),
        ("judgement", "Check"),
        ("judgement.met", "Passed"),
        ("judgement.on_paper", "May be filler"),
        ("judgement.missing", "Missing"),
        ("judgement.waived", "Exception granted"),
        ("judgement.unknown", "Can't tell"),
        ("journey", "Buyer history"),
        ("ledger", "History"),
        ("ball_in_court", "Who had it"),
        ("number_receipt", "Where does this number come from?"),
        ("clock_receipt", "Why is this late?"),
        ("clock", "Due in"),
        ("breach", "Late"),
        ("appeal", "This is not on me"),
        ("waiver", "Exception"),
        ("two_keys", "Agreed by Marketing and Sales"),
        ("backtest", "Try on last quarter"),
        ("shadow_mode", "Watch only"),
        ("dry_run", "Preview"),
        ("alignment_check", "Where do we disagree?"),
        ("dispute", "I disagree"),
        ("loop", "Feedback that changed something"),
        ("promise_ledger", "What we promised"),
        ("parity", "Differences from your CRM"),
        ("criterion", "Condition"),
        ("gtm_map", "Map"),
        ("pack", "Meeting page"),
        ("standin.salesforce", "Demo Salesforce"),
        ("standin.hubspot", "Demo HubSpot"),
    ],
)
def test_pages_say_what_the_table_of_words_says(code: str, page: str) -> None:
    assert words.word(code) == page


def test_a_word_that_is_not_there_says_where_to_add_it() -> None:
    with pytest.raises(words.UnknownWord, match=r"judgement\.perhaps.*gtmops/words\.py"):
        words.word("judgement.perhaps")


@pytest.mark.parametrize("code", [code for code in words.WORDS if code.startswith("judgement.")])
def test_every_judgement_has_a_look(code: str) -> None:
    look = words.judgement_look(code.removeprefix("judgement."))
    assert look.word
    assert look.icon


@pytest.mark.parametrize("code", [code for code in words.WORDS if code.startswith("clock.")])
def test_every_clock_state_has_a_look(code: str) -> None:
    look = words.clock_look(code.removeprefix("clock."))
    assert look.word
    assert look.icon


@pytest.mark.parametrize("code", [code for code in words.WORDS if code.startswith("handoff.")])
def test_every_handoff_state_has_a_look(code: str) -> None:
    look = words.handoff_look(code.removeprefix("handoff."))
    assert look.word
    assert look.icon


@pytest.mark.parametrize(
    ("group", "choices"),
    [
        ("clock", Clock.State),
        ("handoff", Handoff.State),
        ("holder", Handoff.Move),
        ("judgement", JudgementState),
        ("version", Version.State),
        ("role", Role),
        ("connection", Connection.Kind),
        ("connection_state", Connection.State),
        ("desired_state", DesiredField.State),
        ("run", Run.State),
        ("run_kind", Run.Kind),
    ],
)
def test_every_state_of_the_code_has_a_word(group: str, choices: type[TextChoices]) -> None:
    for code in choices.values:
        assert words.word(f"{group}.{code}")


def test_looks_of_judgements_differ_without_their_colour() -> None:
    codes = ["met", "on_paper", "missing", "waived", "unknown"]
    looks = [words.judgement_look(code) for code in codes]
    assert len({look.word for look in looks}) == len({look.icon for look in looks}) == len(codes)


def test_every_explanation_belongs_to_a_word() -> None:
    assert set(words.EXPLANATIONS) <= set(words.WORDS)
