"""A person's inbox and how they want to be told; nobody sees another's, whatever their role. What could not be
delivered, for admins."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from effects.forms import NotificationForm
from effects.inbox import TABS, bundles_of, load, mark_read, messages_of
from effects.models import Effect, InboxMessage, NotificationPreferences
from effects.outbox import Intent, enqueue, retry_dead
from effects.receivers import load_hours
from teams.access import person_of
from teams.models import Person
from teams.paging import page_of

PER_PAGE = 50
TESTED = {"email": "E-mail", "slack": "Slack"}
CHANNEL_WORDS = {
    "inbox": "Inbox", "email": "E-mail", "slack": "Slack", "slack_channel": "Slack channel",
    "crm_task": "Task in the CRM", "crm_touch": "Log in the CRM",
}  # fmt: skip


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """Unread first, the latest first in both; messages of one group and day are one row."""
    viewer = person_of(request)
    tab = request.GET.get("tab", "all")
    tab = tab if tab in TABS else "all"
    page = page_of(request, bundles_of(messages_of(viewer, tab), viewer.zone), PER_PAGE)
    context = {
        "page": page,
        "bundles": load(list(page.object_list)),
        "unread": messages_of(viewer, "unread").count(),
        "tab": tab,
        "tabs": [(f"?tab={key}", label, key == tab) for key, label in TABS.items()],
        "dead": _dead().count() if viewer.is_admin else 0,
        "has_records": _has_route("records:record"),
    }
    return render(request, "effects/inbox.html", context)


@require_safe
def open_message(request: HttpRequest, message_id: int) -> HttpResponse:
    """Mark it read and go where it leads; a message that leads nowhere shows the inbox."""
    message = _mine(request, message_id)
    mark_read(InboxMessage.objects.filter(pk=message.pk), timezone.now())
    return redirect(message.href) if is_ours(message.href) else inbox(request)


@require_POST
def read(request: HttpRequest, message_id: int) -> HttpResponse:
    """Mark one message as read, or with ``group`` all of its group and severity."""
    message = _mine(request, message_id)
    chosen = InboxMessage.objects.filter(pk=message.pk)
    if request.POST.get("group") and message.group:
        chosen = messages_of(person_of(request)).filter(group=message.group, severity=message.severity)
    mark_read(chosen, timezone.now())
    return redirect(_back_to_tab(request))


@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    mark_read(messages_of(person_of(request)), timezone.now())
    return redirect("effects:inbox")


def is_ours(href: str) -> bool:
    """A path of this installation; never another host, however it is spelt."""
    return href.startswith("/") and not href.startswith(("//", "/\\"))


def _mine(request: HttpRequest, message_id: int) -> InboxMessage:
    return get_object_or_404(InboxMessage, person=person_of(request), pk=message_id)


def _back_to_tab(request: HttpRequest) -> str:
    tab = request.POST.get("tab", "all")
    return f"{reverse('effects:inbox')}{f'?tab={tab}' if tab in TABS and tab != 'all' else ''}"


def _has_route(name: str) -> bool:
    # A room may stand without its pages; then a message has no second link.
    try:
        reverse(name, args=[uuid.UUID(int=0)])
    except NoReverseMatch:
        return False
    return True


# --- how a person wants to be told -----------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    me = person_of(request)
    row = NotificationPreferences.objects.filter(person=me).first() or NotificationPreferences(person=me)
    form = NotificationForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved. It holds for the next message.")
        return redirect("effects:preferences")
    now = timezone.now()
    context = {
        "form": form,
        "has_hours": me.pk in load_hours([me.pk], (), now).people,
        "tests": [(CHANNEL_WORDS[test.channel], test) for test in _tests_of(me)],
    }
    return render(request, "effects/preferences.html", context, status=422 if form.errors else 200)


@require_POST
def send_test(request: HttpRequest) -> HttpResponse:
    """A message by every way that disturbs, at once: whoever asks for it wants to be disturbed."""
    me, now = person_of(request), timezone.now()
    mark = uuid.uuid4()
    intents = [Intent(channel, f"test:{me.pk}:{mark}:{channel}", _test_payload(me)) for channel in TESTED]
    with transaction.atomic():
        enqueue(intents, now=now)
        Effect.objects.filter(key__in=[intent.key for intent in intents]).update(planned_at=now)
    messages.success(
        request, "Two tests are on their way: an e-mail and a Slack message. Reload to see how it went."
    )
    return redirect("effects:preferences")


def _test_payload(person: Person) -> dict[str, Any]:
    return {
        "person": person.pk,
        "severity": "info",
        "title": "A test from gtmops",
        "body": "This is how messages of gtmops reach you.",
        "href": reverse("effects:preferences"),
        "at_any_hour": True,
    }


def _tests_of(person: Person) -> list[Effect]:
    """The latest test of each way."""
    rows = Effect.objects.filter(
        receiver=f"person:{person.pk}", key__startswith=f"test:{person.pk}:", channel__in=TESTED
    )
    return list(rows.exclude(key__contains=">").order_by("channel", "-pk").distinct("channel"))


# --- what could not be delivered -------------------------------------------------------------------------------


@require_safe
def undelivered(request: HttpRequest) -> HttpResponse:
    page = page_of(request, _dead().order_by("-created_at", "-pk"), PER_PAGE)
    people = Person.objects.in_bulk({row.payload.get("person") for row in page.object_list} - {None})
    lines = [
        {
            "effect": row,
            "way": CHANNEL_WORDS.get(row.channel, row.channel),
            "who": people.get(row.payload.get("person")) or row.payload.get("channel") or "",
            "title": row.payload.get("title", ""),
        }
        for row in page.object_list
    ]
    return render(request, "effects/undelivered.html", {"page": page, "lines": lines})


@require_POST
def retry(request: HttpRequest) -> HttpResponse:
    """Try again: one effect, or all that are dead."""
    chosen = _dead()
    if only := request.POST.get("effect", ""):
        chosen = chosen.filter(pk=int(only) if only.isdecimal() else 0)
    count = retry_dead(chosen, timezone.now())
    messages.success(request, f"{count} message{'' if count == 1 else 's'} will be tried again.")
    return redirect("effects:undelivered")


def _dead() -> Any:
    return Effect.objects.filter(state=Effect.State.DEAD, carried_by=None)
