"""Who may ask the stand-in HubSpot: bearer tokens that do not end, an app's sign-in whose tokens last 30 minutes, and
the scopes of each."""

from __future__ import annotations

import secrets
import threading
import time
from urllib.parse import urlsplit

from integrations.standins.consent import consent_page, send_back
from integrations.standins.faults import Faults
from integrations.standins.http import Request, Response, Router, json_response
from integrations.standins.hubspot_rules import RuleError
from integrations.standins.store import Fields, Store
from integrations.standins.webhooks import PORTAL_ID

AUTHORIZE = "/oauth/authorize"
TOKEN_SECONDS = 1800
CODE_SECONDS = 60
_ASKED = ("client_id", "redirect_uri", "scope", "optional_scope", "state")
_SCOPED = ("contacts", "companies", "deals", "leads")


class Tokens:
    def __init__(self, store: Store, faults: Faults) -> None:
        self.store = store
        self.faults = faults
        self._lock = threading.Lock()
        self._calls: dict[str, int] = {}

    def routes(self, router: Router) -> None:
        router.add("GET", AUTHORIZE, self.authorize)
        router.add("POST", AUTHORIZE, self.answer)
        router.add("POST", "/oauth/{version}/token", self.token)

    # -- in the browser ----------------------------------------------------------------------------------------

    def authorize(self, request: Request) -> Response:
        asked = {name: request.arg(name) for name in _ASKED}
        if not asked["client_id"] or asked["client_id"] == "unknown":
            return _page("Couldn't complete the connection: this app's client id is not known.")
        if urlsplit(asked["redirect_uri"]).scheme not in ("http", "https"):
            return _page("Couldn't complete the connection: the redirect URL is not the app's.")
        scopes = [*asked["scope"].split(), *(f"{s} (optional)" for s in asked["optional_scope"].split())]
        return consent_page("Demo HubSpot", asked["client_id"], scopes, AUTHORIZE, asked)

    def answer(self, request: Request) -> Response:
        form = request.form
        asked = {name: form.get(name, "") for name in _ASKED}
        if form.get("answer") != "allow":
            return send_back(
                asked["redirect_uri"],
                error="access_denied",
                error_description="The user denied access",
                state=asked["state"],
            )
        code = secrets.token_urlsafe(24)
        self.store.set_meta(f"hubspot-code:{code}", {**asked, "until": time.time() + CODE_SECONDS})
        return send_back(asked["redirect_uri"], code=code, state=asked["state"])

    # -- tokens ------------------------------------------------------------------------------------------------

    def token(self, request: Request, version: str) -> Response:
        form = request.form
        if form.get("client_id") == "unknown" or form.get("client_secret") == "wrong":
            return _refused(
                "invalid_client", "BAD_CLIENT_ID", "missing or invalid client id or client secret"
            )
        if form.get("grant_type") == "authorization_code":
            return self._exchange(form, version)
        if form.get("grant_type") == "refresh_token":
            known = self.store.meta(f"hubspot-refresh:{form.get('refresh_token', '')}")
            if known is None or known["client_id"] != form.get("client_id"):
                return _refused("invalid_grant", "BAD_REFRESH_TOKEN", "missing or invalid refresh token")
            return self._open(str(form["refresh_token"]), known, version)
        return _refused("unsupported_grant_type", "BAD_GRANT_TYPE", "missing or unknown grant type")

    def _exchange(self, form: Fields, version: str) -> Response:
        key = f"hubspot-code:{form.get('code', '')}"
        with self.store.transaction():
            known = self.store.meta(key)
            self.store.execute("DELETE FROM meta WHERE key = ?", [key])
        if known is None or known["until"] < time.time() or known["client_id"] != form.get("client_id"):
            return _refused("invalid_grant", "BAD_AUTH_CODE", "missing or expired auth code")
        if known["redirect_uri"] != form.get("redirect_uri"):
            return _refused(
                "redirect_uri_mismatch", "MISMATCH_REDIRECT_URI_AUTH_CODE", "redirect URI mismatch"
            )
        scopes = [*known["scope"].split(), *known["optional_scope"].split()]
        return self._open(self.new_refresh_token(known["client_id"], scopes), {"scopes": scopes}, version)

    def new_refresh_token(self, client_id: str, scopes: list[str]) -> str:
        """As an app gets it when it is allowed; it does not end and is not rotated."""
        token = secrets.token_urlsafe(24)
        self.store.set_meta(f"hubspot-refresh:{token}", {"client_id": client_id, "scopes": scopes})
        return token

    def _open(self, refresh_token: str, known: Fields, version: str) -> Response:
        token = secrets.token_urlsafe(40)
        self.store.set_meta(f"hubspot-token:{token}", time.time() + TOKEN_SECONDS)
        self.store.set_meta(f"hubspot-scopes:{token}", known["scopes"])
        out: Fields = {
            "access_token": token,
            "refresh_token": refresh_token,
            "expires_in": TOKEN_SECONDS,
            "token_type": "bearer",
        }
        more = {"hub_id": PORTAL_ID, "scopes": known["scopes"], "user_id": 9501}
        return json_response(out if version == "v1" else {**out, **more})

    # -- using one ---------------------------------------------------------------------------------------------

    def check(self, request: Request) -> str:
        """The token; raises RuleError (401) for one that HubSpot doesn't know or knows no longer."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        until = self.store.meta(f"hubspot-token:{token}")
        if scheme != "Bearer" or token.endswith("wrong") or (until is None and not token.startswith("pat-")):
            raise RuleError("Authentication credentials not found.", "INVALID_AUTHENTICATION", 401)
        allowed = self.faults.calls_per_session()
        with self._lock:
            self._calls[token] = self._calls.get(token, 0) + 1
            over = until is not None and allowed and self._calls[token] > allowed
        if until is not None and (over or until <= time.time()):
            raise RuleError("The OAuth token used to make this call expired.", "EXPIRED_AUTHENTICATION", 401)
        return token

    def check_scope(self, token: str, request: Request, kind: str) -> None:
        """Raises RuleError (403) naming the scope that the token lacks. A token nobody limited has every scope."""
        held = self.store.meta(f"hubspot-scopes:{token}")
        needed = _needed(request, kind)
        if held is None or not needed or needed in held:
            return
        body = {
            "message": "One or more of the following scopes are required.",
            "context": {"requiredGranularScopes": [needed]},
        }
        raise RuleError(
            "This app hasn't been granted all required scopes to make this call.",
            "MISSING_SCOPES",
            403,
            errors=[body],
        )


def _needed(request: Request, kind: str) -> str:
    path = request.path
    if path.startswith("/crm/v3/owners"):
        return "crm.objects.owners.read"
    if path.startswith("/crm-object-schemas/"):
        return "crm.schemas.custom.read"
    is_read = request.method == "GET" or path.endswith(("/search", "/batch/read"))
    own = kind if kind in _SCOPED else "contacts"
    if path.startswith("/crm/v3/properties/"):
        return f"crm.objects.{own}.read" if is_read else f"crm.schemas.{own}.write"
    if path.startswith(("/crm/v3/objects/", "/crm/v4/")):
        return f"crm.objects.{own}.{'read' if is_read else 'write'}"
    return ""


def _refused(error: str, status: str, text: str) -> Response:
    return json_response({"error": error, "error_description": text, "status": status, "message": text}, 400)


def _page(text: str) -> Response:
    return Response(400, f"<!doctype html><html><body><h1>{text}</h1></body></html>".encode())
