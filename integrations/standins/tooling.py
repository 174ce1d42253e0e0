"""The Tooling API's validation rules of the stand-in Salesforce."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from integrations.standins.http import Request, Response, json_response
from integrations.standins.salesforce_rules import API_ACTOR, SYSTEM, RuleError, delete, new_id
from integrations.standins.salesforce_validation import VALIDATION_RULE, fault_of
from integrations.standins.store import Fields, Store, Stored
from integrations.standins.world import salesforce_id_18

RULE_COLUMNS = {
    "active": "Active",
    "description": "Description",
    "errorConditionFormula": "ErrorConditionFormula",
    "errorDisplayField": "ErrorDisplayField",
    "errorMessage": "ErrorMessage",
}
"""Metadata key to stored field."""


class Tooling:
    def __init__(self, store: Store) -> None:
        self.store = store

    def routes(self, prefix: str) -> Iterator[tuple[str, str, Any]]:
        """(method, path, handler) of each; ``prefix`` is that of the API's versions."""
        one = f"{prefix}/tooling/sobjects/{VALIDATION_RULE}"
        yield "POST", one, self.create_rule
        yield "GET", f"{one}/{{remote_id}}", self.get_rule
        yield "PATCH", f"{one}/{{remote_id}}", self.update_rule
        yield "DELETE", f"{one}/{{remote_id}}", self.delete_rule

    # -- validation rules ----------------------------------------------------------------------------------

    def create_rule(self, request: Request) -> Response:
        body = _body(request)
        object_name, _, name = str(body.get("FullName", "")).partition(".")
        fields = {"ValidationName": name, "EntityDefinitionId": object_name, **_from_metadata(body)}
        self._check(fields)
        if self._named(object_name, name):
            raise RuleError(
                "DUPLICATE_DEVELOPER_NAME",
                f"There is already a validation rule with the name {name} on {object_name}.",
                ["ValidationName"],
            )
        fields |= {"CreatedById": API_ACTOR.by, "LastModifiedById": API_ACTOR.by}
        with self.store.transaction():
            row = self.store.create(
                SYSTEM, VALIDATION_RULE, new_id(self.store, VALIDATION_RULE), fields, API_ACTOR
            )
        answer = {"id": row.remote_id, "success": True, "errors": [], "warnings": [], "infos": []}
        return json_response(answer, 201)

    def get_rule(self, request: Request, remote_id: str) -> Response:
        row = self._row(remote_id)
        shown = {k: v for k, v in row.fields.items() if k != "ErrorConditionFormula"}
        own = {"Id": row.remote_id, "CreatedDate": row.created, "LastModifiedDate": row.modified}
        attributes = {"attributes": {"type": VALIDATION_RULE, "url": request.path}}
        return json_response({**attributes, **own, **shown, **rule_extras(row)})

    def update_rule(self, request: Request, remote_id: str) -> Response:
        row = self._row(remote_id)
        changes = {**_from_metadata(_body(request)), "LastModifiedById": API_ACTOR.by}
        self._check({**row.fields, **changes})
        self.store.update(row, changes, API_ACTOR)
        return Response(204)

    def delete_rule(self, request: Request, remote_id: str) -> Response:
        delete(self.store, self._row(remote_id), API_ACTOR)
        return Response(204)

    def _check(self, fields: Fields) -> None:
        fault = fault_of(self.store, fields)
        if fault:
            raise RuleError("FIELD_INTEGRITY_EXCEPTION", fault, ["ErrorConditionFormula"])

    def _named(self, object_name: str, name: str) -> list[Stored]:
        where = "json_extract(fields, '$.EntityDefinitionId') = ? AND json_extract(fields, '$.ValidationName') = ?"
        return self.store.all_of(SYSTEM, VALIDATION_RULE, where, [object_name, name])

    def _row(self, remote_id: str) -> Stored:
        row = self.store.get(SYSTEM, VALIDATION_RULE, salesforce_id_18(remote_id))
        if row is None or row.deleted:
            raise RuleError("NOT_FOUND", "The requested resource does not exist", status=404)
        return row


def whole_extras(row: Stored) -> Fields:
    """FullName and Metadata, which a query gives for one row only."""
    if row.object == "CustomField":
        return {"FullName": row.fields["FullName"], "Metadata": row.fields.get("Metadata") or {}}
    return rule_extras(row)


def rule_extras(row: Stored) -> Fields:
    metadata: Fields = {key: row.fields.get(column) for key, column in RULE_COLUMNS.items()}
    metadata["active"] = bool(metadata["active"])
    full_name = f"{row.fields['EntityDefinitionId']}.{row.fields['ValidationName']}"
    return {"FullName": full_name, "Metadata": {**metadata, "urls": None}}


def _from_metadata(body: Fields) -> Fields:
    """The stored fields of a Metadata, which takes the place of the earlier one as a whole."""
    metadata = body.get("Metadata")
    if not isinstance(metadata, dict):
        raise RuleError("REQUIRED_FIELD_MISSING", "Required fields are missing: [Metadata]", ["Metadata"])
    unknown = sorted(metadata.keys() - RULE_COLUMNS.keys() - {"fullName", "urls"})
    if unknown:
        raise RuleError("JSON_PARSER_ERROR", f"Unrecognized field '{unknown[0]}' in Metadata")
    missing = [k for k in ("errorConditionFormula", "errorMessage") if not metadata.get(k)]
    if missing:
        raise RuleError(
            "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", missing
        )
    fields: Fields = {column: metadata.get(key) or None for key, column in RULE_COLUMNS.items()}
    fields["Active"] = bool(metadata.get("active"))
    return fields


def _body(request: Request) -> Fields:
    try:
        body = request.json()
    except ValueError:
        raise RuleError("JSON_PARSER_ERROR", "Unexpected character") from None
    if not isinstance(body, dict):
        raise RuleError("JSON_PARSER_ERROR", "an object is expected")
    return body
