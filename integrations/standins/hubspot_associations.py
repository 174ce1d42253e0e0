"""HubSpot's associations, v4."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from integrations.standins.faults import Faults
from integrations.standins.http import Request, Response, json_response
from integrations.standins.hubspot_answers import Route, batch_answer, body_of, inputs_of, integer_of
from integrations.standins.hubspot_rules import SYSTEM, RuleError, opposite_of_known, relate
from integrations.standins.hubspot_schema import PRIMARY_TYPES, association_type
from integrations.standins.store import Fields, Store

PAGE = 500
_OBJECTS = "/crm/v4/objects/{from_type}/{remote_id}/associations"
_BATCHES = "/crm/v4/associations/{from_type}/{to_type}"


class Associations:
    def __init__(self, store: Store, faults: Faults) -> None:
        self.store = store
        self.faults = faults

    def routes(self) -> list[Route]:
        return [
            ("GET", f"{_OBJECTS}/{{to_type}}", self.associations),
            ("PUT", f"{_OBJECTS}/default/{{to_type}}/{{to_id}}", self.associate_default),
            ("PUT", f"{_OBJECTS}/{{to_type}}/{{to_id}}", self.associate),
            ("POST", f"{_BATCHES}/batch/read", self.batch_associations),
            ("POST", f"{_BATCHES}/batch/create", self.batch_associate),
            ("GET", f"{_BATCHES}/labels", self.labels),
        ]

    def associations(self, request: Request, from_type: str, remote_id: str, to_type: str) -> Response:
        links = _grouped(self.store.associated(from_type, [remote_id], to_type)).get(remote_id, [])
        limit, after = (
            min(integer_of(request.arg("limit", "500")), 500),
            integer_of(request.arg("after", "0")),
        )
        out: Fields = {"results": links[after : after + limit]}
        if after + limit < len(links):
            out["paging"] = {"next": {"after": str(after + limit)}}
        return json_response(out)

    def batch_associations(self, request: Request, from_type: str, to_type: str) -> Response:
        begin = {str(i["id"]): str(i.get("after") or "") for i in inputs_of(body_of(request), 1000)}
        ids = [*begin]
        found = _grouped(self.store.associated(from_type, ids, to_type))
        results = [_page_of(i, found[i], begin[i]) for i in ids if i in found]
        missing = [i for i in ids if i not in found]
        errors: list[Fields] = []
        if missing:
            errors.append(
                {
                    "status": "error",
                    "category": "OBJECT_NOT_FOUND",
                    "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
                    "message": f"No {from_type} to {to_type} associations were found.",
                    "context": {"fromObjectId": missing},
                }
            )
        return batch_answer(results, errors)

    def associate(
        self, request: Request, from_type: str, remote_id: str, to_type: str, to_id: str
    ) -> Response:
        kinds = request.json()
        self._relate(from_type, remote_id, to_type, to_id, [int(k["associationTypeId"]) for k in kinds])
        return json_response({"fromObjectId": remote_id, "toObjectId": to_id, "labels": []}, 201)

    def associate_default(
        self, request: Request, from_type: str, remote_id: str, to_type: str, to_id: str
    ) -> Response:
        self._relate(from_type, remote_id, to_type, to_id, [association_type(from_type, to_type)])
        return batch_answer([{"from": {"id": remote_id}, "to": {"id": to_id}}], [])

    def batch_associate(self, request: Request, from_type: str, to_type: str) -> Response:
        results = []
        with self.store.transaction():
            for item in inputs_of(body_of(request), 2000):
                pair = str(item["from"]["id"]), str(item["to"]["id"])
                self._relate(
                    from_type, pair[0], to_type, pair[1], [int(k["associationTypeId"]) for k in item["types"]]
                )
                results.append({"fromObjectId": int(pair[0]), "toObjectId": int(pair[1]), "labels": []})
        return batch_answer(results, [], 201)

    def _relate(self, from_type: str, from_id: str, to_type: str, to_id: str, type_ids: list[int]) -> None:
        for kind, remote_id in ((from_type, from_id), (to_type, to_id)):
            if self.store.get(SYSTEM, kind, remote_id) is None:
                raise RuleError("resource not found", "OBJECT_NOT_FOUND", 404)
        with self.store.transaction():
            for type_id in type_ids:
                if not opposite_of_known(type_id, from_type, to_type):
                    raise RuleError(f"Type {type_id} is not a type of {from_type} to {to_type}")
                relate(self.store, from_type, from_id, to_type, to_id, type_id)

    def labels(self, request: Request, from_type: str, to_type: str) -> Response:
        kind = association_type(from_type, to_type)
        return json_response(
            {"results": [{"category": "HUBSPOT_DEFINED", "typeId": kind, "label": None}] if kind else []}
        )


def _grouped(links: list[Any]) -> dict[str, list[Fields]]:
    pairs: dict[str, dict[str, list[Fields]]] = defaultdict(lambda: defaultdict(list))
    for link in links:
        label = "Primary" if link["type_id"] in PRIMARY_TYPES else None
        kind = {"category": "HUBSPOT_DEFINED", "typeId": link["type_id"], "label": label}
        pairs[link["from_id"]][link["to_id"]].append(kind)
    return {
        from_id: [{"toObjectId": int(to_id), "associationTypes": kinds} for to_id, kinds in to.items()]
        for from_id, to in pairs.items()
    }


def _page_of(remote_id: str, links: list[Fields], after: str) -> Fields:
    """At most a page of one record's links; where the next begins is the id of its first."""
    rest = [link for link in links if int(link["toObjectId"]) >= int(after or 0)]
    out: Fields = {"from": {"id": remote_id}, "to": rest[:PAGE]}
    if len(rest) > PAGE:
        out["paging"] = {"next": {"after": str(rest[PAGE]["toObjectId"])}}
    return out
