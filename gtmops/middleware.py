from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest
from django.http.response import HttpResponseBase

Handler = Callable[[HttpRequest], HttpResponseBase]
log = structlog.get_logger("gtmops.request")

QUIET = ("/healthz", "/readyz", "/metrics", settings.STATIC_URL)
REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")


def request_log(get_response: Handler) -> Handler:
    """Give each request an id, bind it to every log line it causes, and log one line when it is answered."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        response = get_response(request)
        response["X-Request-ID"] = request_id
        if not request.path.startswith(QUIET):
            # The path only: a query string may hold what a person searched for.
            log.info(
                "request",
                method=request.method,
                path=request.path,
                status=response.status_code,
                ms=round((time.perf_counter() - started) * 1000),
            )
        return response

    return handle


def response_headers(get_response: Handler) -> Handler:
    """Headers of every response that Django has no setting for; pages of a signed-in person are never stored."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
        )
        if not request.path.startswith(settings.STATIC_URL):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return handle


def session_ends(get_response: Handler) -> Handler:
    """End a session after idleness and after its absolute age, whichever is first."""
    idle_seconds = settings.GTMOPS.session_idle_seconds
    absolute_seconds = settings.GTMOPS.session_absolute_seconds
    # Written at most once in this many seconds, not at every request.
    grain_seconds = max(1, min(60, idle_seconds // 10))

    def handle(request: HttpRequest) -> HttpResponseBase:
        # A request without a session cookie must not cost a query.
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            now = int(time.time())
            began = request.session.setdefault("began", now)
            seen = request.session.get("seen", now)
            if now - began > absolute_seconds or now - seen > idle_seconds:
                logout(request)
            elif now - seen >= grain_seconds or "seen" not in request.session:
                request.session["seen"] = now
        return get_response(request)

    return handle
