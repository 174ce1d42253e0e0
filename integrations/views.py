"""The door for HubSpot's webhooks."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from integrations.signatures import is_signed_v3
from integrations.webhooks import store_events, webhook_secret


@csrf_exempt
@require_POST
def hubspot_webhook(request: HttpRequest, name: str) -> HttpResponse:
    """204 once the events are stored, 401 for anything not signed by HubSpot now, 503 when they could not be stored."""
    try:
        found = webhook_secret(name)
        body = request.body
        now = datetime.now(UTC)
        if found is None or not is_signed_v3(
            secret=found[1],
            method=request.method or "",
            # The public address, not the Host header, which anyone can set.
            uri=f"{settings.SITE_URL}{request.get_full_path()}",
            body=body,
            timestamp=request.headers.get("X-HubSpot-Request-Timestamp", ""),
            signature=request.headers.get("X-HubSpot-Signature-v3", ""),
            now=now,
            tolerance_seconds=settings.GTMOPS.webhook_tolerance_seconds,
        ):
            return HttpResponse(status=401)
        try:
            events = json.loads(body)
        except (ValueError, RecursionError):
            return HttpResponse(status=400)
        store_events(found[0], events if isinstance(events, list) else [events], now)
    except OperationalError:
        return HttpResponse(status=503)
    return HttpResponse(status=204)
