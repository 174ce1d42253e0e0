"""Signing in to Salesforce: the token is kept with the credentials and renewed by one process at a time."""

from __future__ import annotations

import re
from typing import Any

import requests
from django.db import transaction
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed, SalesforceError
from simple_salesforce.login import SalesforceLogin

from integrations import secrets
from integrations.errors import ConnectorError, Misconfigured, Reconnect, RetryLater
from integrations.http import Guard, guarded_session
from integrations.models import Credential
from records.models import Connection

API_VERSION = "62.0"
_DOMAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,99}")


def sign_in(connection: Connection, guard: Guard, *, expired: str = "") -> Salesforce:
    """A client with a live session; ``expired`` is the token that has just been refused.

    Raises Reconnect when the credentials are no longer good."""
    session = guarded_session(guard)
    # On the session they reach every call; without them an update may run assignment rules and change the owner.
    session.headers.update(
        {"Sforce-Auto-Assign": "FALSE", "Sforce-Call-Options": "client=gtmops", "Accept": "application/json"}
    )
    with transaction.atomic():
        row = Credential.objects.select_for_update().filter(connection=connection).first()
        if row is None:
            raise Misconfigured("This connection has no credentials yet.")
        secret = secrets.unseal(row.secret)
        token = secret.get(secrets.TOKEN)
        if not token or token["access_token"] == expired:
            token = _request_token(connection, row.method, secret, session, guard)
            secrets.remember_token(connection, token)
    guard.token_host = token["host"]
    return Salesforce(
        session_id=token["access_token"],
        instance_url=f"https://{token['host']}",
        version=API_VERSION,
        session=session,
    )


def _request_token(
    connection: Connection, method: str, secret: dict[str, Any], session: requests.Session, guard: Guard
) -> dict[str, str]:
    domain = (
        str(secret.get("domain") or "login")
        .removeprefix("https://")
        .rstrip("/")
        .removesuffix(".salesforce.com")
    )
    if not _DOMAIN.fullmatch(domain):
        raise Misconfigured(f"{domain!r} is not a Salesforce domain; it looks like acme.my.")
    arguments: dict[str, Any] = {"consumer_key": secret.get("consumer_key"), "domain": domain}
    if method == "client_credentials":
        arguments["consumer_secret"] = secret.get("consumer_secret")
    elif method == "jwt_bearer":
        arguments |= {"username": secret.get("username"), "privatekey": secret.get("private_key")}
    else:
        raise Misconfigured(f"Salesforce can't be signed in to by {method!r}.")
    if missing := sorted(name for name, value in arguments.items() if not value):
        raise Misconfigured(f"The credentials lack {', '.join(missing)}.")
    try:
        access_token, host = SalesforceLogin(session=session, sf_version=API_VERSION, **arguments)
    except ConnectorError:
        raise
    except SalesforceAuthenticationFailed as error:
        raise Reconnect(f"Salesforce: {error}") from error
    except (SalesforceError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RetryLater(
            f"Salesforce's answer to the sign-in can't be read ({type(error).__name__})."
        ) from error
    # With a base address set, the guard leads every call there and the host is only a name.
    host = f"{domain}.salesforce.com" if connection.base_url else str(host).partition("/")[0].lower()
    return {"access_token": str(access_token), "host": host}
