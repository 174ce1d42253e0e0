"""What the nightly check of the model found, and the button that makes it now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from definitions.lint.services import check_now
from definitions.models import ModelCheck, Remark
from definitions.sections import sections
from definitions.versions import load_model
from effects.tick import now_utc

FRESH = timedelta(days=1)

REMEDIES = {
    "dead_value": "Change the value, or bring the option back in the CRM.",
    "renamed": "Use the new value in a new version.",
    "label_renamed": "Rename it here, so that people know it.",
    "field_gone": "Connect the field again, or take the condition out.",
    "not_connected": "Connect the field in the CRM's mapping.",
    "rarely_filled": "Fill it at the source, or don't decide by it.",
    "contradiction": "One of the conditions must go.",
    "always_true": "Take the condition out, or make it stricter.",
    "none_meet": "Look at the examples: is it meant so?",
    "all_meet": "Look at the examples: does it decide anything?",
    "shorter_than_weekend": "Use business time, or a longer time.",
    "no_holidays": "Name the country, or list the closed days.",
    "no_claim": "Say which value of a CRM field shows it.",
    "unknown_connection": "Name a connection that exists.",
    "unreachable": "Let it follow a stage that records do reach.",
}


@dataclass(frozen=True)
class Line:
    """A remark as the page shows it. ``path`` in words; ``is_fresh``: not there the day before."""

    section: str
    key: str
    title: str
    label: str
    where: str
    text: str
    remedy: str
    since: datetime
    is_fresh: bool


def standing_remarks(now: datetime) -> list[Line]:
    """Every remark that holds, fresh ones first. Two queries."""
    model = load_model()
    known = sections()
    lines = []
    for row in Remark.objects.order_by("-first_seen_at", "section", "key", "pk"):
        section = known.get(row.section)
        version = model.at(row.section, row.key, now)
        title = section.title(version.body) if section and version else ""
        lines.append(
            Line(
                row.section,
                row.key,
                title or row.key,
                section.label if section else row.section,
                " › ".join(str(int(part) + 1) if str(part).isdigit() else str(part) for part in row.path),
                row.text,
                REMEDIES.get(row.code, ""),
                row.first_seen_at,
                now - row.first_seen_at < FRESH,
            )
        )
    return lines


@require_safe
def remarks(request: HttpRequest) -> HttpResponse:
    now = now_utc()
    context = {
        "lines": standing_remarks(now),
        "last": ModelCheck.objects.filter(ended_at__isnull=False).first(),
        "updated_at": now,
    }
    return render(request, "definitions/remarks.html", context)


@require_POST
def check(request: HttpRequest) -> HttpResponse:
    """Make the check now; a few seconds at most, because it looks at samples."""
    made = check_now(now_utc())
    if made.found:
        fresh = f", {made.fresh} of them new" if made.fresh else ""
        messages.success(request, f"Checked: {made.found} remark{'' if made.found == 1 else 's'}{fresh}.")
    else:
        messages.success(request, "Checked: nothing to remark.")
    return redirect("definitions:remarks")
