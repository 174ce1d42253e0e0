"""Switching on that people change a CRM's own fields from gtmops: each kind for itself, off until somebody does."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from integrations.registry import CONNECTORS
from records.models import Connection
from teams.access import person_of

SWITCHES: Final = {"stage": "is_writing_stage", "fields": "is_writing_fields", "owner": "is_writing_owner"}


@require_POST
def switch_crm_fields(request: HttpRequest, name: str, what: str) -> HttpResponse:
    """Turn one kind of the CRM's own fields on (``is_on``) or off."""
    person_of(request)
    connection = get_object_or_404(Connection, name=name, kind__in=CONNECTORS)
    if what not in SWITCHES:
        raise Http404
    is_on = request.POST.get("is_on") == "1"
    setattr(connection, SWITCHES[what], is_on)
    connection.save(update_fields=[SWITCHES[what]])
    done = "on: people can change it from gtmops now." if is_on else "off: what was not sent yet is refused."
    messages.success(request, f"{connection.label}: switched {done}")
    return redirect("integrations:writing")
