"""What the page of a run says of rooms that integrations does not know."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.urls import reverse

from integrations.progress import RunNote
from records.models import Connection
from slas.start_questions import questions_near
from teams.models import Person


def start_questions(
    connection: Connection, began: datetime, ended: datetime, person: Person
) -> Sequence[RunNote]:
    """Whether clocks start that this run brought; for those who may answer."""
    if not person.is_admin:
        return []
    return [
        RunNote(
            told.title, told.why, reverse("slas:start_question", args=[told.question.pk]), "Look and answer"
        )
        for told in questions_near(connection, began, ended)
        if told.clocks
    ]
