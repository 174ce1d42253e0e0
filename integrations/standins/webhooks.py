"""HubSpot's webhooks: written with the change itself, signed (v3), sent in the background until they arrive."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import random
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from integrations.standins.faults import Faults
from integrations.standins.http import Request, Response, Router, json_response
from integrations.standins.hubspot_schema import HUBSPOT_OBJECTS
from integrations.standins.store import Store, Written

logger = logging.getLogger(__name__)

PORTAL_ID = 42424242
APP_ID = 4711
BATCH = 100
ANSWER_SECONDS = 5
RETRY_SECONDS = (1, 2, 4, 8, 15, 30, 60, 300, 1800, 3600)
_OWN_TYPES = {"contacts": "contact", "companies": "company", "deals": "deal"}
_ENCODED = {
    "%3A": ":",
    "%2F": "/",
    "%3F": "?",
    "%40": "@",
    "%21": "!",
    "%24": "$",
    "%27": "'",
    "%28": "(",
    "%29": ")",
    "%2A": "*",
    "%2C": ",",
    "%3B": ";",
}


_KINDS = {
    "create": "creation",
    "delete": "deletion",
    "restore": "restore",
    "merge": "merge",
    "forget": "privacyDeletion",
    "associate": "associationChange",
}


def _nothing(written: Written) -> dict[str, Any]:
    return {}


def _merged(written: Written) -> dict[str, Any]:
    primary, others = written.changes["hs_merged_object_ids"]
    found: dict[str, Any] = {
        "objectId": int(primary),
        "primaryObjectId": int(primary),
        "mergedObjectIds": [int(i) for i in others],
        "numberOfPropertiesMoved": len(written.row.fields),
    }
    return found if primary == written.row.remote_id else {**found, "newObjectId": int(written.row.remote_id)}


def _associated(written: Written) -> dict[str, Any]:
    to_type, (from_id, to_id) = next(iter(written.changes.items()))
    names = [HUBSPOT_OBJECTS[t].singular.upper() for t in (written.row.object, to_type)]
    return {
        "fromObjectId": int(from_id),
        "toObjectId": int(to_id),
        "associationType": f"{names[0]}_TO_{names[1]}",
        "associationRemoved": False,
        "isPrimaryAssociation": False,
    }


_DETAILS: dict[str, Callable[[Written], dict[str, Any]]] = {
    "merge": _merged,
    "associationChange": _associated,
}


def signature_v2(secret: str, method: str, uri: str, body: bytes) -> str:
    """The older one, which HubSpot sends as well."""
    return hashlib.sha256(secret.encode() + method.encode() + uri.encode() + body).hexdigest()


def signature_v3(secret: str, method: str, uri: str, body: bytes, timestamp_ms: int) -> str:
    """base64(HMAC-SHA256(secret, method + uri + body + timestamp)) with HubSpot's partial decoding of the uri."""
    for code, plain in _ENCODED.items():
        uri = uri.replace(code, plain)
    message = method.encode() + uri.encode() + body + str(timestamp_ms).encode()
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


class Webhooks:
    """Targets are kept in the store: ``{url: {"secret", "types"}}``; ``types`` empty = contacts only."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self.store = store
        self.faults = faults
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        store.listeners.append(self._written)

    def routes(self, router: Router) -> None:
        router.add("GET", "/standin/webhooks", self.show)
        router.add("POST", "/standin/webhooks", self.configure)
        router.add("DELETE", "/standin/webhooks", self.remove)

    def show(self, request: Request) -> Response:
        targets = self.store.meta("webhooks", {})
        waiting = self.store.fetch("SELECT count(*) AS n FROM webhook_events WHERE done = 0")[0]["n"]
        return json_response(
            {"targets": [{"url": u, "types": t["types"]} for u, t in targets.items()], "waiting": waiting}
        )

    def configure(self, request: Request) -> Response:
        """``{"url", "secret", "types": ["contacts", …]}``; the same url again replaces the secret."""
        body = request.json()
        url = str(body.get("url", ""))
        if not url.startswith(("http://", "https://")) or not body.get("secret"):
            return json_response({"message": "url (http or https) and secret are needed"}, 400)
        with self.store.transaction():
            targets = self.store.meta("webhooks", {})
            targets[url] = {"secret": str(body["secret"]), "types": list(body.get("types", []))}
            self.store.set_meta("webhooks", targets)
        return json_response({"url": url}, 201)

    def remove(self, request: Request) -> Response:
        with self.store.transaction():
            targets = self.store.meta("webhooks", {})
            targets.pop(request.arg("url"), None)
            self.store.set_meta("webhooks", targets)
            self.store.execute("UPDATE webhook_events SET done = 1 WHERE target = ?", [request.arg("url")])
        return Response(204)

    # -- writing them down ---------------------------------------------------------------------------------

    def _written(self, written: Written) -> None:
        row = written.row
        if row.system != "hubspot":
            return
        targets = self.store.meta("webhooks", {})
        rows = [
            (url, json.dumps(event), time.time())
            for url, target in targets.items()
            if row.object in (target["types"] or ["contacts"])
            for event in self._events(written)
            for _ in range(self.faults.webhook_copies())
        ]
        if rows:
            if self.faults.shuffle_webhooks:
                random.shuffle(rows)
            self.store.executemany("INSERT INTO webhook_events (target, event, due) VALUES (?, ?, ?)", rows)
            self._wake.set()

    def _events(self, written: Written) -> list[dict[str, Any]]:
        row = written.row
        own = _OWN_TYPES.get(row.object)
        prefix = own or "object"
        base: dict[str, Any] = {
            "subscriptionId": 1,
            "portalId": PORTAL_ID,
            "appId": APP_ID,
            "occurredAt": int(written.at.timestamp() * 1000),
            "objectId": int(row.remote_id),
            "changeSource": "INTEGRATION" if written.actor.source == "API" else written.actor.source,
        }
        if own is None:
            base["objectTypeId"] = HUBSPOT_OBJECTS[row.object].id
        kind = _KINDS.get(written.kind, "propertyChange")
        told = {"subscriptionType": f"{prefix}.{kind}"}
        if kind != "propertyChange":
            if kind == "associationChange":
                del base["objectId"]
            details = _DETAILS.get(kind, _nothing)(written)
            return [{**base, "eventId": random.getrandbits(31), **told, **details}]
        return [
            {
                **base,
                "eventId": random.getrandbits(31),
                **told,
                "propertyName": name,
                "propertyValue": new if new is not None else "",
            }
            for name, (_, new) in written.changes.items()
        ]

    # -- sending -------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()
        if self._thread:
            self._thread.join(timeout=ANSWER_SECONDS + 1)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(0.5)
            self._wake.clear()
            if self._stop.is_set():
                return
            try:
                self.send_due()
            except Exception:
                logger.exception("webhooks could not be sent; the next round tries again")

    def send_due(self) -> int:
        """Send what is due, in batches per target; returns the number of events that arrived."""
        arrived = 0
        for url, target in self.store.meta("webhooks", {}).items():
            while not self._stop.is_set():
                sql = (
                    "SELECT * FROM webhook_events WHERE done = 0 AND due <= ? AND target = ?"
                    " ORDER BY due, seq LIMIT ?"
                )
                rows = self.store.fetch(sql, [time.time(), url, BATCH])
                if not rows:
                    break
                events = [{**json.loads(r["event"]), "attemptNumber": r["attempts"]} for r in rows]
                seqs = json.dumps([r["seq"] for r in rows])
                if not self._post(url, target["secret"], events):
                    attempts = max(r["attempts"] for r in rows)
                    wait = RETRY_SECONDS[min(attempts, len(RETRY_SECONDS) - 1)] * random.uniform(0.8, 1.2)
                    self.store.execute(
                        "UPDATE webhook_events SET attempts = attempts + 1, due = ?, done = (attempts >= ?)"
                        " WHERE seq IN (SELECT value FROM json_each(?))",
                        [time.time() + wait, len(RETRY_SECONDS) + 10, seqs],
                    )
                    break
                done = "UPDATE webhook_events SET done = 1 WHERE seq IN (SELECT value FROM json_each(?))"
                self.store.execute(done, [seqs])
                # The receiver is up again: what waited for it goes now.
                self.store.execute("UPDATE webhook_events SET due = 0 WHERE done = 0 AND target = ?", [url])
                arrived += len(rows)
        return arrived

    def _post(self, url: str, secret: str, events: list[dict[str, Any]]) -> bool:
        body = json.dumps(events).encode()
        now_ms = int(time.time() * 1000)
        request = urllib.request.Request(  # noqa: S310  # configure() lets only http and https in
            url,
            data=body,
            method="POST",
            headers={
                "Content-Type": "application/json",
                "User-Agent": "HubSpot Connect 2.0 (stand-in)",
                "X-HubSpot-Signature": signature_v2(secret, "POST", url, body),
                "X-HubSpot-Signature-Version": "v2",
                "X-HubSpot-Signature-v3": signature_v3(secret, "POST", url, body, now_ms),
                "X-HubSpot-Request-Timestamp": str(now_ms),
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310  # the same
                return 200 <= int(answer.status) < 300
        except (OSError, urllib.error.URLError) as fault:
            logger.info("webhook to %s not taken: %s", url, fault)
            return False
