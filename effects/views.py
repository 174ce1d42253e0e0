"""A person's inbox. Nobody sees another's, whatever their role."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.db.models import Case, IntegerField, QuerySet, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from effects.models import InboxMessage
from teams.access import person_of

PER_PAGE = 50


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """Unread first, the latest first in both."""
    viewer = person_of(request)
    mine = InboxMessage.objects.filter(person=viewer)
    is_read = Case(When(read_at=None, then=0), default=1, output_field=IntegerField())
    page = Paginator(mine.order_by(is_read, "-created_at", "-pk"), PER_PAGE).get_page(request.GET.get("page"))
    unread = mine.filter(read_at=None).count()
    return render(request, "effects/inbox.html", {"page": page, "unread": unread})


@require_safe
def open_message(request: HttpRequest, message_id: int) -> HttpResponse:
    """Mark it read and go where it leads; a message that leads nowhere shows the inbox."""
    message = _mine(request, message_id)
    _mark(InboxMessage.objects.filter(pk=message.pk))
    return redirect(message.href) if is_ours(message.href) else inbox(request)


@require_POST
def read(request: HttpRequest, message_id: int) -> HttpResponse:
    _mark(InboxMessage.objects.filter(pk=_mine(request, message_id).pk))
    return redirect("effects:inbox")


@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    _mark(InboxMessage.objects.filter(person=person_of(request)))
    return redirect("effects:inbox")


def is_ours(href: str) -> bool:
    """A path of this installation; never another host, however it is spelt."""
    return href.startswith("/") and not href.startswith(("//", "/\\"))


def _mine(request: HttpRequest, message_id: int) -> InboxMessage:
    return get_object_or_404(InboxMessage, person=person_of(request), pk=message_id)


def _mark(messages: QuerySet[InboxMessage]) -> None:
    messages.filter(read_at=None).update(read_at=timezone.now())
