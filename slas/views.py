from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe


@require_safe
def clocks(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@require_safe
def export(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@require_safe
def clock(request: HttpRequest, clock_id: uuid.UUID) -> HttpResponse:
    return HttpResponse()
