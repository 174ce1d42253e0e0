"""HubSpot's objects one at a time, as lists and by search; merging and forgetting them."""

from __future__ import annotations

import re

from integrations.standins.faults import Faults
from integrations.standins.http import Request, Response, json_response
from integrations.standins.hubspot_answers import Route, body_of, integer_of, names_of
from integrations.standins.hubspot_merging import forget, merge
from integrations.standins.hubspot_rules import API_ACTOR, SYSTEM, RuleError, archive, create, update
from integrations.standins.hubspot_search import search
from integrations.standins.hubspot_shown import by_property, find_row, show
from integrations.standins.store import Actor, Fields, Store, Stored

PAGE = 100
HISTORY_PAGE = 50
MERGEABLE = ("contacts", "companies", "deals", "tickets")
_TYPE = "/crm/v3/objects/{type}"


class Objects:
    def __init__(self, store: Store, faults: Faults) -> None:
        self.store = store
        self.faults = faults

    def routes(self) -> list[Route]:
        return [
            ("GET", _TYPE, self.list_rows),
            ("POST", _TYPE, self.create_row),
            ("POST", f"{_TYPE}/search", self.search),
            ("POST", f"{_TYPE}/merge", self.merge),
            ("POST", f"{_TYPE}/gdpr-delete", self.forget),
            ("GET", f"{_TYPE}/{{remote_id}}", self.get_row),
            ("PATCH", f"{_TYPE}/{{remote_id}}", self.update_row),
            ("DELETE", f"{_TYPE}/{{remote_id}}", self.archive_row),
        ]

    def list_rows(self, request: Request, kind: str) -> Response:
        history = names_of(request, "propertiesWithHistory")
        limit = integer_of(request.arg("limit", "10"))
        most = HISTORY_PAGE if history else PAGE
        if limit > most:
            raise RuleError(f"limit: {limit} is above the maximum of {most}")
        archived = request.arg("archived").lower() == "true"
        after = integer_of(request.arg("after", "0"))
        if self.faults.hits("empty"):
            return json_response({"results": [], "paging": self._next(request, str(after))})
        sql = (
            "SELECT remote_id FROM rows WHERE system = 'hubspot' AND object = ? AND deleted = ?"
            " AND CAST(remote_id AS INTEGER) >= ? ORDER BY CAST(remote_id AS INTEGER) LIMIT ?"
        )
        ids = [r["remote_id"] for r in self.store.fetch(sql, [kind, int(archived), after, limit + 1])]
        rows = self.store.get_many(SYSTEM, kind, ids[:limit])
        page = [rows[i] for i in ids[:limit] if i in rows]
        self._churn(page)
        out: Fields = {
            "results": show(
                self.store,
                kind,
                page,
                names_of(request, "properties"),
                history,
                names_of(request, "associations"),
            )
        }
        if len(ids) > limit:
            out["paging"] = self._next(request, ids[limit])
        return json_response(out)

    def _churn(self, rows: list[Stored]) -> None:
        """A workflow changes the last record of the page, which is answered as it was before."""
        if rows and self.faults.hits("churn"):
            self.store.update(rows[-1], {}, Actor("", "AUTOMATION_PLATFORM"), asked={})

    @staticmethod
    def _next(request: Request, after: str) -> Fields:
        base = re.sub(r"([?&])after=[^&]*&?", r"\1", request.target).rstrip("?&")
        link = f"{request.host}{base}{'&' if '?' in base else '?'}after={after}"
        return {"next": {"after": after, "link": link}}

    def get_row(self, request: Request, kind: str, remote_id: str) -> Response:
        row = find_row(
            self.store,
            kind,
            remote_id,
            request.arg("idProperty"),
            archived=request.arg("archived").lower() == "true",
        )
        shown = show(
            self.store,
            kind,
            [row],
            names_of(request, "properties"),
            names_of(request, "propertiesWithHistory"),
            names_of(request, "associations"),
        )
        return json_response(shown[0])

    def search(self, request: Request, kind: str) -> Response:
        body = body_of(request)
        total, rows, after = search(self.store, kind, body, len(request.body))
        if self.faults.hits("empty"):
            begin = str(integer_of(str(body.get("after") or 0)))
            return json_response({"total": total, "results": [], "paging": {"next": {"after": begin}}})
        self._churn(rows)
        out: Fields = {"total": total, "results": show(self.store, kind, rows, body.get("properties") or [])}
        if after is not None:
            out["paging"] = {"next": {"after": str(after)}}
        return json_response(out)

    def create_row(self, request: Request, kind: str) -> Response:
        body = body_of(request)
        row = create(
            self.store, kind, body.get("properties") or {}, API_ACTOR, body.get("associations") or []
        )
        location = {"Location": f"{request.host}{request.path.rstrip('/')}/{row.remote_id}"}
        return json_response(show(self.store, kind, [row], [*row.fields])[0], 201, location)

    def update_row(self, request: Request, kind: str, remote_id: str) -> Response:
        row = find_row(self.store, kind, remote_id, request.arg("idProperty"))
        asked = body_of(request).get("properties") or {}
        return json_response(show(self.store, kind, [update(self.store, row, asked, API_ACTOR)], [*asked])[0])

    def archive_row(self, request: Request, kind: str, remote_id: str) -> Response:
        row = self.store.get(SYSTEM, kind, remote_id)
        if row is not None:
            archive(self.store, row, API_ACTOR)
        return Response(204)

    def merge(self, request: Request, kind: str) -> Response:
        """The survivor gets a new id, as for contacts since 2025, unless the fault ``keepid`` strikes."""
        body = body_of(request)
        if kind not in MERGEABLE:
            raise RuleError(f"{kind} can't be merged")
        pair = [str(body.get(k) or "") for k in ("primaryObjectId", "objectIdToMerge")]
        primary, other = (find_row(self.store, kind, i) for i in pair)
        if primary.remote_id == other.remote_id:
            raise RuleError("A record can't be merged into itself")
        row = merge(self.store, primary, other, API_ACTOR, new_id=not self.faults.hits("keepid"))
        return json_response(show(self.store, kind, [row], [])[0])

    def forget(self, request: Request, kind: str) -> Response:
        """A privacy deletion: nothing of the person stays, not even in the list of what was archived."""
        body = body_of(request)
        value, name = str(body.get("objectId") or ""), str(body.get("idProperty") or "")
        row = (
            by_property(self.store, kind, name, [value]).get(value.lower())
            if name
            else self.store.get(SYSTEM, kind, value)
        )
        if row is not None:
            forget(self.store, row, API_ACTOR)
        return Response(204)
