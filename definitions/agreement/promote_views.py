"""Promote: what was tried in a sandbox, as drafts for production. Remarks: what the nightly check found."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_http_methods

from definitions.agreement.promote import Name, plan_promotion, promotable, promote
from definitions.files.model_files import ModelFaults
from definitions.sections import sections
from effects.tick import now_utc
from records.models import Connection
from teams.access import person_of


class PromoteForm(forms.Form):
    """From where to where, and from when the drafts shall hold once they are agreed to."""

    source = forms.ModelChoiceField(
        Connection.objects.none(), to_field_name="name", label="From", empty_label="Choose a connection"
    )
    target = forms.ModelChoiceField(
        Connection.objects.none(), to_field_name="name", label="To", empty_label="Choose a connection"
    )
    wanted_from = forms.DateField(
        required=False, label="In force from", widget=forms.DateInput(attrs={"type": "date"}),
        help_text="In your time zone. Empty: as soon as the teams have agreed.",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        crms = Connection.objects.filter(kind__in=["salesforce", "hubspot"]).order_by("-is_sandbox", "name")
        for field in self.fields.values():
            if isinstance(field, forms.ModelChoiceField):
                field.queryset = crms
                field.widget.attrs["class"] = "form-select"
            else:
                field.widget.attrs["class"] = "form-control"

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        source, target = cleaned.get("source"), cleaned.get("target")
        if source and target and source == target:
            self.add_error("target", "Choose another connection than the one you promote from.")
        elif source and target and source.kind != target.kind:
            text = f"{target.label} is another CRM than {source.label}; promote to a connection of the same kind."
            self.add_error("target", text)
        return cleaned


@require_http_methods(["GET", "HEAD", "POST"])
def promotion(request: HttpRequest) -> HttpResponse:
    """Choose, look at what would change, and open the drafts."""
    now, viewer = now_utc(), person_of(request)
    told = request.POST if request.method == "POST" else request.GET
    form = PromoteForm(told if told else None)
    context: dict[str, Any] = {"form": form, "updated_at": now, "has_sandbox": _has_sandbox()}
    if not form.is_bound or not form.is_valid():
        return render(request, "definitions/promote.html", context, status=422 if form.is_bound else 200)
    source, target = form.cleaned_data["source"], form.cleaned_data["target"]
    held = promotable(source, now)
    chosen = {
        name for name in held if not told.getlist("item") or f"{name[0]}/{name[1]}" in told.getlist("item")
    }
    renamed = {name: to for name in held if (to := told.get(f"as:{name[0]}/{name[1]}", "").strip())}
    if request.method == "POST":
        day = parse_date(told.get("wanted_from", "") or "")
        at = datetime(day.year, day.month, day.day, tzinfo=viewer.zone) if day else None
        try:
            applied = promote(
                source, target, by=viewer, now=now, wanted_from=at, renamed=renamed, only=chosen
            )
        except ModelFaults as error:
            context["refused"] = [str(fault) for fault in error.faults]
        else:
            number = len(applied.drafted)
            drafts = f"{number} draft{'' if number == 1 else 's'} opened" if number else "Nothing new to open"
            messages.success(request, f"{drafts} for {target.label}. Ask the teams for their agreement next.")
            return redirect("definitions:model")
    planned = plan_promotion(source, target, now, renamed, chosen)
    context |= {
        "source": source,
        "target": target,
        "planned": planned,
        "items": _items(held, chosen, renamed),
    }
    return render(request, "definitions/promote.html", context)


def _has_sandbox() -> bool:
    return Connection.objects.filter(is_sandbox=True).exists()


def _items(held: dict[Name, Any], chosen: set[Name], renamed: dict[Name, str]) -> list[dict[str, Any]]:
    return [
        {
            "value": f"{section}/{key}",
            "label": sections()[section].label,
            "title": sections()[section].title(version.body) or key,
            "key": key,
            "renamed": renamed.get((section, key), ""),
            "is_chosen": (section, key) in chosen,
        }
        for (section, key), version in held.items()
    ]
