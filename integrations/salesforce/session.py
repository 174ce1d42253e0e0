"""A session with one organisation: signing in, and every call there. One process at a time renews the token."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

import requests
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed, SalesforceError
from simple_salesforce.login import SalesforceLogin

from integrations import secrets
from integrations.errors import ConnectorError, Misconfigured, Reconnect, Rejected, RetryLater
from integrations.http import Guard, guarded_session
from integrations.legible import Illegible, strict_json
from integrations.oauth import METHOD
from integrations.salesforce import oauth
from integrations.salesforce.errors import SessionExpired
from records.models import Connection

T = TypeVar("T")
Row = Mapping[str, Any]

API_VERSION = "62.0"
_DOMAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,99}")
_LOCATOR = re.compile(r"/services/data/v\d+\.\d/query/([A-Za-z0-9]{15,18}-\d+)")


class Client(Salesforce):  # type: ignore[misc]  # the library tells no types
    """simple-salesforce, reading what JSON is and nothing else."""

    def parse_result_to_json(self, result: requests.Response) -> Any:
        return strict_json(result.content, "Salesforce")


_UNREADABLE = (SalesforceError, ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What the library raises over an answer of another form."""


class Session:
    """Calls to Salesforce. Every method may raise RetryLater, Reconnect or Misconfigured."""

    def __init__(self, connection: Connection, guard: Guard) -> None:
        self.connection = connection
        self.guard = guard
        self._client: Salesforce | None = None

    def call(self, make: Callable[[Salesforce], T]) -> T:
        """One call, with one new sign-in when the session has expired."""
        if self._client is None:
            self._client = sign_in(self.connection, self.guard)
        try:
            try:
                return make(self._client)
            except SessionExpired:
                self._client = sign_in(self.connection, self.guard, expired=self._client.session_id)
                return make(self._client)
        except SessionExpired as error:
            raise Reconnect(str(error)) from error
        except _UNREADABLE as error:
            raise Illegible(f"Salesforce's answer can't be read ({type(error).__name__}).") from error

    def rest(self, path: str, **options: Any) -> Any:
        """The JSON answer of a path below ``/services/data/vXX.X/``; None when there is none."""
        return self.call(partial(_restful, path, **options))

    def text(self, path: str, params: Mapping[str, str]) -> requests.Response:
        """An answer that is not JSON, with its headers."""

        def get(client: Salesforce) -> requests.Response:
            headers = {**client.headers, "Accept": "text/csv"}
            answer: requests.Response = client.session.get(
                client.base_url + path, params=params, headers=headers
            )
            return answer

        return self.call(get)

    def pages(self, soql: str, *, with_deleted: bool = False) -> Iterator[tuple[list[Row], int]]:
        """(rows, number of all rows) of each page. Raises LocatorGone when the query was open for too long."""
        path = "queryAll" if with_deleted else "query"
        answer, at = self.rest(path, params={"q": soql}), ""
        while True:
            rows = _checked_rows(answer)
            following = _locator(answer)
            if following and following == at:
                raise Illegible("Salesforce's link to the next page leads to the same page.")
            yield rows, int(answer.get("totalSize") or 0)
            if not following:
                return
            at = following
            answer = self.rest(f"query/{at}")

    def rows(self, soql: str) -> Iterator[Row]:
        for rows, _ in self.pages(soql):
            yield from rows

    def tooling_rows(self, soql: str) -> list[Row]:
        return _checked_rows(self.rest("tooling/query", params={"q": soql}))

    def one(self, soql: str) -> Row:
        for row in self.rows(soql):
            return row
        raise Misconfigured("Salesforce shows no organisation to our user.")

    def create_row(self, remote_object: str, values: Mapping[str, Any]) -> str:
        """The new row's id; empty when it was there already."""
        try:
            answer = self.rest(f"sobjects/{remote_object}/", method="POST", json=dict(values))
        except Rejected as error:
            if error.code.startswith("DUPLICATE"):
                return ""
            raise Misconfigured(str(error)) from error
        return str(answer["id"])

    def delete_row(self, remote_object: str, remote_id: str) -> None:
        self.rest(f"sobjects/{remote_object}/{remote_id}", method="DELETE")

    def our_user(self) -> str:
        return str(self.call(lambda client: client.oauth2("userinfo"))["user_id"])


def sign_in(connection: Connection, guard: Guard, *, expired: str = "") -> Salesforce:
    """A client with a live session; ``expired`` is the token that has just been refused.

    Raises Reconnect when the credentials are no longer good."""
    session = guarded_session(guard)
    # On the session they reach every call; without them an update may run assignment rules and change the owner.
    session.headers.update(
        {"Sforce-Auto-Assign": "FALSE", "Sforce-Call-Options": "client=gtmops", "Accept": "application/json"}
    )
    token = _token(connection, session, expired)
    guard.token_host = token["host"]
    return Client(
        session_id=token["access_token"],
        instance_url=f"https://{token['host']}",
        version=API_VERSION,
        session=session,
    )


def _token(connection: Connection, session: requests.Session, expired: str) -> Mapping[str, Any]:
    method, secret = secrets.load_credential(connection)
    held = secret.get(secrets.TOKEN) or {}
    stale = expired
    if method == METHOD and held and oauth.is_due(held):
        stale = str(held["access_token"])
    elif held and held["access_token"] != expired:
        return dict(held)

    def renew(secret: Mapping[str, Any]) -> Mapping[str, Any]:
        if method == METHOD:
            return oauth.refresh(secret)
        return _request_token(connection, method, secret, session)

    return secrets.refreshed(connection, stale, renew)


def _request_token(
    connection: Connection, method: str, secret: Mapping[str, Any], session: requests.Session
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


def _checked_rows(answer: Any) -> list[Row]:
    rows = answer.get("records") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or any(not isinstance(row, dict) for row in rows):
        raise Illegible("Salesforce's answer to a query has no records in it.")
    return rows


def _locator(answer: Row) -> str:
    """Of the next page; empty after the last. Nothing else is taken from the link: a foreign address in it would get
    our token."""
    if answer.get("done") is True:
        return ""
    found = _LOCATOR.fullmatch(str(answer.get("nextRecordsUrl")))
    if answer.get("done") is not False or found is None:
        raise Illegible("Salesforce's link to the next page can't be read.")
    return found[1]


def _restful(path: str, client: Salesforce, **options: Any) -> Any:
    return client.restful(path, **options)
