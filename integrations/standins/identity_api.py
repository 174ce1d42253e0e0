"""A small OpenID Connect provider: discovery, a page on which one chooses who to be, token, userinfo, keys."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from functools import cached_property
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from integrations.standins.consent import send_back
from integrations.standins.http import Request, Response, Router, json_response, redirect
from integrations.standins.slack_api import members
from integrations.standins.store import Store

CLIENT_ID, CLIENT_SECRET = "gtmops", "fernhill-demo-sign-in"
PREFIX = "/fernhill-id"
CODE_SECONDS = 60
TOKEN_SECONDS = 300
KEY_ID = "standin"


class IdentityApi:
    """Everybody of the demo's CRMs has a verified account. A test says more, or else, with `set_claims`."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def routes(self, router: Router) -> None:
        router.add("GET", f"{PREFIX}/.well-known/openid-configuration", self.discovery)
        router.add("GET", f"{PREFIX}/jwks", self.jwks)
        router.add("GET", f"{PREFIX}/authorize", self.authorize)
        router.add("GET", f"{PREFIX}/choose", self.choose)
        router.add("POST", f"{PREFIX}/token", self.token)
        router.add("GET", f"{PREFIX}/userinfo", self.userinfo)

    def set_claims(self, account: str, /, **claims: Any) -> None:
        """What is said of this account; a claim of None is left out."""
        self.store.set_meta(f"id-claims:{account}", claims)

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def issuer(self, request: Request) -> str:
        return request.host + PREFIX

    # -- what it says of itself -----------------------------------------------------------------------------

    def discovery(self, request: Request) -> Response:
        issuer = self.issuer(request)
        return json_response(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "userinfo_endpoint": f"{issuer}/userinfo",
                "jwks_uri": f"{issuer}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    def jwks(self, request: Request) -> Response:
        key = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return json_response({"keys": [{**key, "kid": KEY_ID, "alg": "RS256", "use": "sig"}]})

    # -- in the browser -------------------------------------------------------------------------------------

    def authorize(self, request: Request) -> Response:
        """The page on which one chooses an account, as plain as can be."""
        asked = dict(parse_qsl(urlsplit(request.target).query))
        if asked.get("client_id") != CLIENT_ID or asked.get("response_type") != "code":
            return Response(400, b"unknown client_id or response_type")
        choices = "".join(
            f'<li><a href="{PREFIX}/choose?{escape(urlencode({**asked, "as": email}))}">{escape(name)}</a></li>'
            for email, name in sorted(members(self.store).items(), key=lambda one: one[1])
            if not name.endswith("Integration")
        )
        deny = escape(urlencode({**asked, "as": ""}))
        body = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Fernhill ID</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/standin.css"></head>
<body><main><h1>Fernhill ID</h1><p>The demo's identity provider. Continue to gtmops as:</p><ul>{choices}</ul>
<p><a href="{PREFIX}/choose?{deny}">Cancel</a></p></main></body></html>"""
        policy = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"
        return Response(200, body.encode(), headers={"Content-Security-Policy": policy})

    def choose(self, request: Request) -> Response:
        asked = dict(parse_qsl(urlsplit(request.target).query, keep_blank_values=True))
        to, state = asked.get("redirect_uri", ""), asked.get("state", "")
        if asked.get("client_id") != CLIENT_ID or not to:
            return redirect(f"{PREFIX}/authorize")
        if not asked.get("as"):
            return send_back(to, error="access_denied", state=state)
        code = secrets.token_urlsafe(24)
        self.store.set_meta(
            f"id-code:{code}",
            {
                "email": asked["as"],
                "redirect_uri": to,
                "nonce": asked.get("nonce", ""),
                "challenge": asked.get("code_challenge", ""),
                "until": time.time() + CODE_SECONDS,
            },
        )
        return send_back(to, code=code, state=state)

    # -- between servers ------------------------------------------------------------------------------------

    def token(self, request: Request) -> Response:
        form = dict(request.form)
        basic = request.headers.get("Authorization", "")
        if basic.startswith("Basic "):
            form["client_id"], _, form["client_secret"] = base64.b64decode(basic[6:]).decode().partition(":")
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return json_response({"error": "invalid_client"}, 401)
        with self.store.transaction():
            key = f"id-code:{form.get('code', '')}"
            known = self.store.meta(key)
            self.store.execute("DELETE FROM meta WHERE key = ?", [key])
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            not known
            or known["until"] < time.time()
            or known["redirect_uri"] != form.get("redirect_uri")
            or known["challenge"] != challenge
        ):
            return json_response({"error": "invalid_grant"}, 400)
        access = secrets.token_urlsafe(24)
        self.store.set_meta(
            f"id-token:{access}", {"email": known["email"], "until": time.time() + TOKEN_SECONDS}
        )
        now = int(time.time())
        said = {
            "iss": self.issuer(request), "aud": CLIENT_ID, "iat": now, "exp": now + TOKEN_SECONDS,
            **({"nonce": known["nonce"]} if known["nonce"] else {}),
            **self._claims(known["email"]),
        }  # fmt: skip
        return json_response(
            {
                "access_token": access,
                "token_type": "Bearer",
                "expires_in": TOKEN_SECONDS,
                "id_token": jwt.encode(said, self._key, algorithm="RS256", headers={"kid": KEY_ID}),
            }
        )

    def userinfo(self, request: Request) -> Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        known = self.store.meta(f"id-token:{token}")
        if not known or known["until"] < time.time():
            return json_response({"error": "invalid_token"}, 401)
        return json_response(self._claims(known["email"]))

    def _claims(self, email: str) -> Mapping[str, Any]:
        name = members(self.store).get(email, email.partition("@")[0])
        said = {
            "sub": hashlib.sha256(email.encode()).hexdigest()[:20],
            "email": email,
            "email_verified": True,
            "name": name,
            **(self.store.meta(f"id-claims:{email}") or {}),
        }
        return {claim: value for claim, value in said.items() if value is not None}
