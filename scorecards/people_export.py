"""Who works here, as a file; in this room because the files of tables are."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from records.csv_files import csv_answer
from teams.access import person_of
from teams.forms import PeopleFilter

MOST_ROWS_OF_A_FILE = 10_000


@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """The list of people as it is filtered, as CSV."""
    found = PeopleFilter(request.GET).find(person_of(request))[:MOST_ROWS_OF_A_FILE]
    return csv_answer(
        "people",
        ["Name", "E-mail", "Job title", "Role", "Team", "Manager", "Works here"],
        (
            [
                person.name,
                person.email,
                person.job_title,
                person.get_role_display(),
                person.team_name or "",  # type: ignore[attr-defined]  # annotated
                person.manager.name if person.manager else "",
                "yes" if person.is_active else "no",
            ]
            for person in found
        ),
    )
