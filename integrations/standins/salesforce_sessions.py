"""Sessions of the stand-in Salesforce: four ways to get one, refresh tokens that rotate, and how one ends."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from integrations.standins.consent import consent_page, send_back
from integrations.standins.faults import Faults
from integrations.standins.http import Refused, Request, Response, Router, json_response
from integrations.standins.load import API_USER_ID, ORGANIZATION_ID
from integrations.standins.store import Fields, Store, utc_now

AUTHORIZE = "/services/oauth2/authorize"
CODE_SECONDS = 900
LONGEST_ASSERTION_SECONDS = 300
SCOPES = {
    "api": "Manage user data via APIs (api)",
    "refresh_token": "Perform requests at any time (refresh_token, offline_access)",
}
_JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASKED = ("client_id", "redirect_uri", "state", "scope", "code_challenge", "code_challenge_method")


class Sessions:
    def __init__(self, store: Store, faults: Faults) -> None:
        self.store = store
        self.faults = faults
        self._lock = threading.Lock()
        self._calls: dict[str, int] = {}

    def routes(self, router: Router) -> None:
        router.add("GET", AUTHORIZE, self.authorize)
        router.add("POST", AUTHORIZE, self.answer)
        router.add("POST", "/services/oauth2/token", self.token)
        router.add("POST", "/services/oauth2/revoke", self.revoke)

    # -- in the browser ------------------------------------------------------------------------------------

    def authorize(self, request: Request) -> Response:
        asked = {name: request.arg(name) for name in _ASKED}
        if not asked["client_id"] or asked["client_id"] == "unknown":
            return _page("error=invalid_client_id&error_description=client identifier invalid")
        if urlsplit(asked["redirect_uri"]).scheme not in ("http", "https"):
            return _page(
                "error=redirect_uri_mismatch&error_description=redirect_uri must match configuration"
            )
        fault = ""
        if request.arg("response_type") != "code":
            fault = "unsupported_response_type"
        elif not asked["code_challenge"] or asked["code_challenge_method"] != "S256":
            fault = "invalid_request"
        if fault:
            text = (
                "missing required code challenge"
                if fault == "invalid_request"
                else "response type not supported"
            )
            return send_back(asked["redirect_uri"], error=fault, error_description=text, state=asked["state"])
        scopes = [SCOPES.get(word, word) for word in asked["scope"].split()]
        return consent_page("Demo Salesforce", asked["client_id"], scopes, AUTHORIZE, asked)

    def answer(self, request: Request) -> Response:
        form = request.form
        asked = {name: form.get(name, "") for name in _ASKED}
        if form.get("answer") != "allow":
            text = "end-user denied authorization"
            return send_back(
                asked["redirect_uri"], error="access_denied", error_description=text, state=asked["state"]
            )
        code = f"aPrx{secrets.token_urlsafe(40)}"
        self.store.set_meta(f"code:{code}", {**asked, "until": time.time() + CODE_SECONDS})
        return send_back(asked["redirect_uri"], code=code, state=asked["state"])

    # -- tokens --------------------------------------------------------------------------------------------

    def token(self, request: Request) -> Response:
        form = dict(request.form)
        basic = request.headers.get("Authorization", "")
        if basic.startswith("Basic "):
            form["client_id"], _, form["client_secret"] = base64.b64decode(basic[6:]).decode().partition(":")
        if form.get("client_id") == "unknown":
            return _oauth_error("invalid_client_id", "client identifier invalid")
        if form.get("client_secret") == "wrong":  # the word a test uses for a bad one
            return _oauth_error("invalid_client", "invalid client credentials")
        match form.get("grant_type", ""):
            case "client_credentials":
                if not form.get("client_id") or not form.get("client_secret"):
                    return _oauth_error("invalid_client", "invalid client credentials")
                return self._open(request, None)
            case "authorization_code":
                return self._exchange(request, form)
            case "refresh_token":
                return self._refresh(request, form.get("refresh_token", ""))
            case grant if grant == _JWT:
                fault = self._fault_of(form.get("assertion", ""), request)
                return _oauth_error("invalid_grant", fault) if fault else self._open(request, None)
        return _oauth_error("unsupported_grant_type", "grant type not supported")

    def _exchange(self, request: Request, form: Fields) -> Response:
        with self.store.transaction():
            key = f"code:{form.get('code', '')}"
            known = self.store.meta(key)
            if known is None or known["until"] < time.time():
                return _oauth_error("invalid_grant", "expired authorization code")
            self.store.execute("DELETE FROM meta WHERE key = ?", [key])
            if known["client_id"] != form.get("client_id"):
                return _oauth_error("invalid_client_id", "client identifier invalid")
            if known["redirect_uri"] != form.get("redirect_uri"):
                return _oauth_error("redirect_uri_mismatch", "redirect_uri must match configuration")
            digest = hashlib.sha256(str(form.get("code_verifier", "")).encode()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != known["code_challenge"]:
                return _oauth_error("invalid_grant", "invalid code verifier")
            offline = {"refresh_token", "offline_access"} & set(known["scope"].split())
            return self._open(request, self.new_refresh_token() if offline else None)

    def _refresh(self, request: Request, old: str) -> Response:
        """Rotates; an old token used again revokes the whole family."""
        with self.store.transaction():
            known = self.store.meta(f"refresh:{old}")
            family = known["family"] if known else ""
            if not known or known["used"] or self.store.meta(f"revoked:{family}"):
                if family:
                    self.store.set_meta(f"revoked:{family}", True)
                return _oauth_error("invalid_grant", "expired access/refresh token")
            self.store.set_meta(f"refresh:{old}", {**known, "used": True})
            return self._open(request, self.new_refresh_token(family))

    def new_refresh_token(self, family: str = "") -> str:
        """A token as the web-server flow gives it."""
        token = f"5Aep{secrets.token_urlsafe(32)}"
        self.store.set_meta(f"refresh:{token}", {"family": family or token, "used": False})
        return token

    def _fault_of(self, assertion: str, request: Request) -> str:
        """What Salesforce says of a signed assertion; the signature itself is taken as good."""
        parts = assertion.split(".")
        if len(parts) != 3 or not all(parts):
            return "invalid assertion"
        try:
            told = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
            left = float(told["exp"]) - utc_now().timestamp()
        except (ValueError, KeyError, TypeError):
            return "invalid assertion"
        audience = urlsplit(str(told.get("aud"))).hostname or ""
        if not audience.endswith(".salesforce.com") and audience != urlsplit(request.host).hostname:
            return "audience is invalid"
        if not 0 < left <= LONGEST_ASSERTION_SECONDS:
            return "expired authorization code"
        user = str(told.get("sub") or "")
        if user.startswith("unapproved"):
            return "user hasn't approved this consumer"
        return "" if told.get("iss") and user and not user.startswith("inactive") else "inactive user"

    def _open(self, request: Request, refresh_token: str | None) -> Response:
        token = f"{ORGANIZATION_ID[:15]}!{secrets.token_urlsafe(48)}"
        self.store.set_meta(f"session:{token}", API_USER_ID)
        body: Fields = {
            "access_token": token,
            "instance_url": request.host,
            "id": f"{request.host}/id/{ORGANIZATION_ID}/{API_USER_ID}",
            "token_type": "Bearer",
            "issued_at": str(int(utc_now().timestamp() * 1000)),
            "signature": base64.b64encode(secrets.token_bytes(32)).decode(),
            "scope": "api" if refresh_token is None else "refresh_token api",
        }
        if refresh_token is not None:
            body["refresh_token"] = refresh_token
        return json_response(body)

    def revoke(self, request: Request) -> Response:
        self.store.execute("DELETE FROM meta WHERE key = ?", [f"session:{request.form.get('token', '')}"])
        return Response(200)

    # -- using one -----------------------------------------------------------------------------------------

    def check(self, request: Request) -> str:
        """The session's token. Raises Refused for one that is over, in one of the shapes Salesforce has for it."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme not in ("Bearer", "OAuth") or self.store.meta(f"session:{token}") is None:
            raise self._expired()
        if self.faults.hits("notrest"):
            text = "This session is not valid for use with the REST API"
            raise Refused(json_response([{"message": text, "errorCode": "INVALID_SESSION_ID"}], 401))
        if self.faults.hits("lasting401"):
            raise self._expired()
        allowed = self.faults.calls_per_session()
        with self._lock:
            self._calls[token] = self._calls.get(token, 0) + 1
            over = allowed and self._calls[token] > allowed
        if over:
            self.store.execute("DELETE FROM meta WHERE key = ?", [f"session:{token}"])
            raise self._expired()
        return token

    def _expired(self) -> Refused:
        item: dict[str, Any] = {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}
        if self.faults.hits("401html"):
            return Refused(Response(401, b"<html><body>Your session has ended.</body></html>"))
        return Refused(json_response(item if self.faults.hits("401object") else [item], 401))


def _oauth_error(code: str, text: str) -> Response:
    return json_response({"error": code, "error_description": text}, 400)


def _page(text: str) -> Response:
    return Response(400, f"<html><body><pre>{text}</pre></body></html>".encode())
