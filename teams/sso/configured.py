"""The identity provider that people sign in with, read once from `GTMOPS_OIDC_…`. Pure: the settings import it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

DISCOVERY = "/.well-known/openid-configuration"
NEEDED = ("GTMOPS_OIDC_URL", "GTMOPS_OIDC_CLIENT_ID", "GTMOPS_OIDC_CLIENT_SECRET", "GTMOPS_OIDC_DOMAINS")
VARIABLES = (*NEEDED, "GTMOPS_OIDC_LABEL", "GTMOPS_OIDC_GROUPS_CLAIM", "GTMOPS_OIDC_SCOPES")
"""All that are read here."""
THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}
DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


class SignOnError(ValueError):
    """A variable is missing or can't be meant; the text names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleSignOn:
    """One OpenID Connect provider. ``url`` is its issuer; ``domains``: whose e-mail addresses are welcome."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    domains: frozenset[str]
    label: str = "Sign in with your company account"
    groups_claim: str = "groups"
    scopes: tuple[str, ...] = ("openid", "profile", "email")

    @property
    def discovery_url(self) -> str:
        return self.url + DISCOVERY

    def welcomes(self, email: str) -> bool:
        return email.rpartition("@")[2].lower() in self.domains

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self | None:
        """None where nothing is set. Raises SignOnError where something is missing or can't be meant."""
        given = {name: environ.get(name, "").strip() for name in NEEDED}
        if not any(given.values()):
            return None
        if missing := [name for name, value in given.items() if not value]:
            raise SignOnError(f"to sign in with an identity provider, set {', '.join(missing)}, too")
        domains = frozenset(
            part.strip().lower().lstrip("@")
            for part in given["GTMOPS_OIDC_DOMAINS"].split(",")
            if part.strip()
        )
        if wrong := sorted(name for name in domains if not DOMAIN.fullmatch(name)):
            raise SignOnError(f"GTMOPS_OIDC_DOMAINS: {wrong[0]!r} is no domain such as example.com")
        texts = {
            key: value
            for key in ("label", "groups_claim")
            if (value := environ.get(f"GTMOPS_OIDC_{key.upper()}", "").strip())
        }
        scopes = tuple(environ.get("GTMOPS_OIDC_SCOPES", "").split()) or ("openid", "profile", "email")
        if "openid" not in scopes:
            raise SignOnError("GTMOPS_OIDC_SCOPES must name openid")
        return cls(
            url=_issuer(given["GTMOPS_OIDC_URL"]),
            client_id=given["GTMOPS_OIDC_CLIENT_ID"],
            client_secret=given["GTMOPS_OIDC_CLIENT_SECRET"],
            domains=domains,
            scopes=scopes,
            **texts,
        )


def _issuer(text: str) -> str:
    url = text.removesuffix("/").removesuffix(DISCOVERY).removesuffix("/")
    parts = urlsplit(url)
    if not parts.hostname or parts.query or parts.fragment or parts.username:
        raise SignOnError(
            f"GTMOPS_OIDC_URL must be the provider's issuer, such as https://id.example.com, not {text!r}"
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in THIS_MACHINE):
        raise SignOnError("GTMOPS_OIDC_URL must begin with https://")
    return url
