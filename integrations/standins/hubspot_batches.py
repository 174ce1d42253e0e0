"""HubSpot's batches of records: what is missing or refused comes back in parts of a 207."""

from __future__ import annotations

from integrations.standins.faults import Faults
from integrations.standins.http import Request, Response
from integrations.standins.hubspot_answers import Route, batch_answer, body_of, inputs_of
from integrations.standins.hubspot_rules import API_ACTOR, SYSTEM, RuleError, archive, create, update
from integrations.standins.hubspot_shown import by_property, missing, show
from integrations.standins.store import Fields, Store, Stored

PAGE = 100
HISTORY_PAGE = 50
_BATCH = "/crm/v3/objects/{type}/batch"


_PASSING = {
    "status": "error",
    "category": "INTERNAL_ERROR",
    "message": "There was a problem with this record; try again.",
}


class Batches:
    def __init__(self, store: Store, faults: Faults) -> None:
        self.store = store
        self.faults = faults

    def routes(self) -> list[Route]:
        return [
            ("POST", f"{_BATCH}/read", self.batch_read),
            ("POST", f"{_BATCH}/create", self.batch_create),
            ("POST", f"{_BATCH}/update", self.batch_update),
            ("POST", f"{_BATCH}/upsert", self.batch_upsert),
            ("POST", f"{_BATCH}/archive", self.batch_archive),
        ]

    def batch_read(self, request: Request, kind: str) -> Response:
        body = body_of(request)
        history = body.get("propertiesWithHistory") or []
        most = HISTORY_PAGE if history else PAGE
        ids = [str(i["id"]) for i in inputs_of(body, PAGE)]
        if len(ids) > most:
            raise RuleError(
                "The maximum number of inputs supported in a batch request for property histories is 50."
                f" Received {len(ids)}."
            )
        if len(set(ids)) != len(ids):
            raise RuleError("Duplicate IDs found in batch input")
        id_property = body.get("idProperty")
        if id_property:
            found = by_property(self.store, kind, id_property, ids)
            rows = [found[i.lower()] for i in ids if i.lower() in found]
            absent = [i for i in ids if i.lower() not in found]
        else:
            known = self.store.get_many(SYSTEM, kind, ids)
            archived = request.arg("archived").lower() == "true"
            rows = [r for r in known.values() if r.deleted == archived]
            absent = [i for i in ids if i not in known or known[i].deleted != archived]
        rows.sort(key=lambda r: int(r.remote_id))
        return batch_answer(
            show(self.store, kind, rows, body.get("properties") or [], history), missing(kind, absent)
        )

    def batch_create(self, request: Request, kind: str) -> Response:
        inputs = inputs_of(body_of(request), PAGE)
        traced = all(i.get("objectWriteTraceId") for i in inputs)
        results, errors = [], []
        with self.store.transaction():
            for item in inputs:
                try:
                    row = create(
                        self.store,
                        kind,
                        item.get("properties") or {},
                        API_ACTOR,
                        item.get("associations") or [],
                    )
                except RuleError as rule:
                    if not traced:
                        raise
                    errors.append(
                        {**rule.body, "context": {"objectWriteTraceId": [item["objectWriteTraceId"]]}}
                    )
                    continue
                shown = show(self.store, kind, [row], [*row.fields])[0]
                results.append(
                    {**shown, "objectWriteTraceId": item["objectWriteTraceId"]} if traced else shown
                )
        return batch_answer(results, errors, 201)

    def batch_update(self, request: Request, kind: str) -> Response:
        inputs = inputs_of(body_of(request), PAGE)
        ids = [str(i["id"]) for i in inputs]
        if len(set(ids)) != len(ids):
            raise RuleError("Duplicate IDs found in batch input")
        keys = {str(i["idProperty"]) for i in inputs if i.get("idProperty", "hs_object_id") != "hs_object_id"}
        with self.store.transaction():
            if keys:
                found = by_property(self.store, kind, keys.pop(), ids)
                known = {i: found[i.lower()] for i in ids if i.lower() in found}
            else:
                known = {i: r for i, r in self.store.get_many(SYSTEM, kind, ids).items() if not r.deleted}
            names: dict[str, None] = {}
            rows: list[Stored] = []
            errors: list[Fields] = []
            traced = all(i.get("objectWriteTraceId") for i in inputs) and self.faults.hits("traced")
            for remote_id, item in zip(ids, inputs, strict=True):
                if remote_id not in known:
                    continue
                asked = item.get("properties") or {}
                trace = {"objectWriteTraceId": [item.get("objectWriteTraceId") or remote_id]}
                if self.faults.hits("partial"):
                    errors.append({**_PASSING, "context": trace})
                    continue
                names |= dict.fromkeys(asked)
                try:
                    rows.append(update(self.store, known[remote_id], self._kept_from(asked), API_ACTOR))
                except RuleError as rule:
                    if not traced:
                        raise
                    errors.append({**rule.body, "context": trace})
        rows.sort(key=lambda r: int(r.remote_id))
        absent = missing(kind, [i for i in ids if i not in known])
        return batch_answer(show(self.store, kind, rows, [*names]), [*errors, *absent])

    def _kept_from(self, asked: Fields) -> Fields:
        """What HubSpot takes of a write: with the fault ``keeps`` silently not all of it."""
        if asked and self.faults.hits("keeps"):
            return {name: value for name, value in asked.items() if name != min(asked)}
        return asked

    def batch_upsert(self, request: Request, kind: str) -> Response:
        results = []
        with self.store.transaction():
            for item in inputs_of(body_of(request), PAGE):
                name, value = str(item.get("idProperty") or "hs_object_id"), str(item["id"])
                asked = item.get("properties") or {}
                if name == "hs_object_id":
                    row = self.store.get(SYSTEM, kind, value)
                else:
                    row = by_property(self.store, kind, name, [value]).get(value.lower())
                if row is None:
                    done = create(self.store, kind, {name: value, **asked}, API_ACTOR)
                else:
                    done = update(self.store, row, asked, API_ACTOR)
                results.append({**show(self.store, kind, [done], [name, *asked])[0], "new": row is None})
        return batch_answer(results, [])

    def batch_archive(self, request: Request, kind: str) -> Response:
        with self.store.transaction():
            for row in self.store.get_many(
                SYSTEM, kind, [str(i["id"]) for i in inputs_of(body_of(request), PAGE)]
            ).values():
                archive(self.store, row, API_ACTOR)
        return Response(204)
