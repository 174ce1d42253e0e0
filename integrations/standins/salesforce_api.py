"""The part of Salesforce's REST and Tooling API that the product and simple-salesforce use."""

from __future__ import annotations

import secrets
import threading
from datetime import timedelta
from itertools import pairwise
from typing import Any

from integrations.standins.faults import Faults
from integrations.standins.forms import read_instant, salesforce_stamp
from integrations.standins.http import Refused, Request, Response, Router, json_response
from integrations.standins.load import API_USER_ID, ORGANIZATION_ID
from integrations.standins.salesforce_answers import body_of, error, refused
from integrations.standins.salesforce_bulk import Bulk
from integrations.standins.salesforce_fields import CustomFields, described
from integrations.standins.salesforce_life import CHILDREN, delete_whole
from integrations.standins.salesforce_metadata import Deploys
from integrations.standins.salesforce_query import Queries
from integrations.standins.salesforce_rules import (
    API_ACTOR,
    SYSTEM,
    RuleError,
    create,
    delete,
    readable,
    update,
    writable,
)
from integrations.standins.salesforce_sessions import Sessions
from integrations.standins.schema import HISTORY_OBJECTS, SALESFORCE_OBJECTS, TOOLING_OBJECTS
from integrations.standins.soql import SoqlError
from integrations.standins.store import Fields, Store, Stored, by_person_at
from integrations.standins.tooling import Tooling
from integrations.standins.world import salesforce_id_18

VERSIONS = ["59.0", "60.0", "61.0", "62.0", "63.0", "64.0", "65.0", "66.0", "67.0"]
DAILY_CALLS = 5_000_000  # of a full sandbox: the demo pulls every few seconds
_VERSIONED = "/services/data/v{version}"


class SalesforceApi:
    def __init__(self, store: Store, faults: Faults) -> None:
        self.store = store
        self.faults = faults
        self.queries = Queries(store)
        self.tooling = Tooling(store)
        self.deploys = Deploys(store, faults)
        self.fields = CustomFields(store)
        self.sessions = Sessions(store, faults)
        self.bulk = Bulk(store, self.queries, faults)
        self._lock = threading.Lock()
        self._used = 0

    def routes(self, router: Router) -> None:
        self.sessions.routes(router)
        router.add("GET", "/services/data", self.versions)
        for method, path, handler in (
            ("GET", "/services/oauth2/userinfo", self.userinfo),
            ("GET", "/id/{org}/{user}", self.userinfo),
            ("GET", f"{_VERSIONED}", self.resources),
            ("GET", f"{_VERSIONED}/limits", self.limits),
            ("GET", f"{_VERSIONED}/query", self.query),
            ("GET", f"{_VERSIONED}/queryAll", self.query_all),
            ("GET", f"{_VERSIONED}/query/{{locator}}", self.query_more),
            ("GET", f"{_VERSIONED}/tooling/query", self.tooling_query),
            ("GET", f"{_VERSIONED}/tooling/query/{{locator}}", self.query_more),
            *self.fields.routes(_VERSIONED),
            *self.tooling.routes(_VERSIONED),
            *self.bulk.routes(_VERSIONED),
            *self.deploys.routes(_VERSIONED),
            ("GET", f"{_VERSIONED}/sobjects", self.objects),
            ("GET", f"{_VERSIONED}/sobjects/{{name}}", self.object_head),
            ("GET", f"{_VERSIONED}/sobjects/{{name}}/describe", self.describe),
            ("GET", f"{_VERSIONED}/sobjects/{{name}}/deleted", self.deleted),
            ("GET", f"{_VERSIONED}/sobjects/{{name}}/updated", self.updated),
            ("POST", f"{_VERSIONED}/sobjects/{{name}}", self.create_row),
            ("GET", f"{_VERSIONED}/sobjects/{{name}}/{{remote_id}}", self.get_row),
            ("PATCH", f"{_VERSIONED}/sobjects/{{name}}/{{remote_id}}", self.update_row),
            ("DELETE", f"{_VERSIONED}/sobjects/{{name}}/{{remote_id}}", self.delete_row),
            ("PATCH", f"{_VERSIONED}/composite/sobjects", self.update_many),
            ("POST", f"{_VERSIONED}/composite/sobjects", self.create_many),
        ):
            router.add(method, path, self._guarded(handler))

    # -- every call ----------------------------------------------------------------------------------------

    def _guarded(self, handler: Any) -> Any:
        def guarded(request: Request, **parts: str) -> Response:
            if len(request.target) > 16_384:
                return Response(414, b"<h1>Bad Message 414</h1><pre>reason: URI Too Long</pre>")
            version = parts.pop("version", VERSIONS[-1])
            if version not in VERSIONS:
                raise error("NOT_FOUND", "The requested resource does not exist", 404)
            self.sessions.check(request)
            try:
                response: Response = handler(request, **parts)
            except RuleError as rule:
                response = refused(rule).response
            except SoqlError as soql:
                response = error(soql.code, str(soql)).response
            except Refused as ended:
                response = ended.response
            with self._lock:
                self._used += 1
                # The real counter lags and wobbles.
                shown = max(1, self._used - secrets.randbelow(3))
            response.headers["Sforce-Limit-Info"] = f"api-usage={shown}/{DAILY_CALLS}"
            return response

        return guarded

    # -- reading -------------------------------------------------------------------------------------------

    def versions(self, request: Request) -> Response:
        return json_response(
            [{"label": f"v{v}", "url": f"/services/data/v{v}", "version": v} for v in VERSIONS]
        )

    def resources(self, request: Request) -> Response:
        names = ("sobjects", "query", "queryAll", "limits", "tooling", "composite")
        return json_response({n: f"{request.path.rstrip('/')}/{n}" for n in names})

    def userinfo(self, request: Request, **parts: str) -> Response:
        return json_response(
            {
                "sub": f"{request.host}/id/{ORGANIZATION_ID}/{API_USER_ID}",
                "user_id": API_USER_ID,
                "organization_id": ORGANIZATION_ID,
                "preferred_username": "gtmops@fernhill.example",
                "name": "gtmops Integration",
                "active": True,
            }
        )

    def limits(self, request: Request) -> Response:
        left = {"Max": DAILY_CALLS, "Remaining": max(0, DAILY_CALLS - self._used)}
        jobs = {"Max": 10_000, "Remaining": 10_000}
        return json_response(
            {"DailyApiRequests": left, "DailyBulkV2QueryJobs": jobs, "DailyBulkApiBatches": jobs}
        )

    def query(self, request: Request) -> Response:
        return self._query(request)

    def query_all(self, request: Request) -> Response:
        return self._query(request, deleted=True)

    def tooling_query(self, request: Request) -> Response:
        return self._query(request, tooling=True)

    def _query(self, request: Request, *, deleted: bool = False, tooling: bool = False) -> Response:
        if self.faults.hits("timeout"):
            raise error("QUERY_TIMEOUT", "Your query request was running for too long.")
        options = request.headers.get("Sforce-Query-Options", "")
        _, _, size = options.partition("batchSize=")
        base = request.path.rstrip("/").rpartition("/")[0]
        page = self.queries.start(
            request.arg("q"),
            self._token(request),
            base=base,
            deleted=deleted,
            batch=int(size) if size.isdigit() else None,
            tooling=tooling,
        )
        return json_response(page)

    def query_more(self, request: Request, locator: str) -> Response:
        if self.faults.hits("locator"):
            raise error("INVALID_QUERY_LOCATOR", "invalid query locator")
        base = request.path.rstrip("/").rpartition("/")[0].rpartition("/")[0]
        return json_response(self.queries.resume(locator, self._token(request), base))

    def _token(self, request: Request) -> str:
        return request.headers.get("Authorization", "").partition(" ")[2]

    def _name(self, name: str) -> str:
        names = {o.lower(): o for o in self.store.objects(SYSTEM) if o not in TOOLING_OBJECTS}
        found = names.get(name.lower())
        if found is None:
            raise error("NOT_FOUND", "The requested resource does not exist", 404)
        return found

    def objects(self, request: Request) -> Response:
        names = [n for n in self.store.objects(SYSTEM) if n not in TOOLING_OBJECTS]
        base = request.path.rstrip("/")
        return json_response(
            {
                "encoding": "UTF-8",
                "maxBatchSize": 200,
                "sobjects": [self._head(n, f"{base}/{n}") for n in names],
            }
        )

    def _head(self, name: str, url: str) -> Fields:
        meta = SALESFORCE_OBJECTS.get(name)
        fixed = name in HISTORY_OBJECTS or name in ("OpportunityHistory", "Organization")
        prefix = meta.prefix if meta else HISTORY_OBJECTS[name][2] if name in HISTORY_OBJECTS else "a0X"
        return {
            "name": name,
            "label": meta.label if meta else name,
            "labelPlural": meta.plural if meta else name,
            "keyPrefix": prefix,
            "custom": name.endswith("__c"),
            "queryable": True,
            "createable": not fixed,
            "updateable": not fixed,
            "deletable": not fixed,
            "replicateable": name not in HISTORY_OBJECTS,
            "searchable": not fixed,
            "undeletable": name in ("Lead", "Contact", "Account", "Opportunity", "Task", "Event"),
            "mergeable": name in ("Lead", "Contact", "Account"),
            "urls": {"sobject": url, "describe": f"{url}/describe", "rowTemplate": f"{url}/{{ID}}"},
        }

    def object_head(self, request: Request, name: str) -> Response:
        name = self._name(name)
        return json_response(
            {"objectDescribe": self._head(name, request.path.rstrip("/")), "recentItems": []}
        )

    def describe(self, request: Request, name: str) -> Response:
        name = self._name(name)
        may_write = writable(self.store, name)
        fields = [described(d, d["name"] in may_write) for d in readable(self.store, name).values()]
        url = request.path.rstrip("/").removesuffix("/describe")
        return json_response(
            {**self._head(name, url), "fields": fields, "recordTypeInfos": [], "childRelationships": []}
        )

    def deleted(self, request: Request, name: str) -> Response:
        rows = self._window(request, self._name(name), deleted=True)
        now = self.store.clock().strftime("%Y-%m-%dT%H:%M:00.000+0000")
        items = [{"id": r["remote_id"], "deletedDate": r["modified"]} for r in rows]
        since = salesforce_stamp(self.store.clock() - timedelta(days=self.store.deleted_days))
        items = [item for item in items if item["deletedDate"] >= since]
        return json_response(
            {"deletedRecords": items, "earliestDateAvailable": since, "latestDateCovered": now}
        )

    def updated(self, request: Request, name: str) -> Response:
        rows = self._window(request, self._name(name), deleted=False)
        now = self.store.clock().strftime("%Y-%m-%dT%H:%M:00.000+0000")
        return json_response({"ids": [r["remote_id"] for r in rows], "latestDateCovered": now})

    def _window(self, request: Request, name: str, *, deleted: bool) -> list[Any]:
        try:
            start, end = (
                read_instant(request.arg(k).replace(" ", "+")).strftime("%Y-%m-%dT%H:%M:00.000+0000")
                for k in ("start", "end")
            )
        except ValueError:
            raise error("INVALID_REPLICATION_DATE", "startDate or endDate is not a date") from None
        sql = (
            "SELECT remote_id, modified FROM rows WHERE system = 'salesforce' AND object = ? AND deleted = ?"
            " AND modified >= ? AND modified < ?"
        )
        return self.store.fetch(sql, [name, int(deleted), start, end])

    def get_row(self, request: Request, name: str, remote_id: str) -> Response:
        name = self._name(name)
        row = self._row(name, remote_id)
        if row.deleted:
            raise error("NOT_FOUND", "The requested resource does not exist", 404)
        wanted = [f for f in request.arg("fields").split(",") if f]
        fields = readable(self.store, name)
        unknown = [f for f in wanted if f not in fields]
        if unknown:
            raise error("INVALID_FIELD", f"No such column '{unknown[0]}' on sobject of type {name}")
        out: Fields = {"attributes": {"type": name, "url": request.path}}
        values = full_row(row)
        out |= {
            n: values.get(n, False if fields[n]["type"] == "boolean" else None) for n in (wanted or fields)
        }
        out["Id"] = row.remote_id
        return json_response(out)

    def _row(self, name: str, remote_id: str) -> Stored:
        row = self.store.get(SYSTEM, name, salesforce_id_18(remote_id))
        if row is None:
            raise error(
                "NOT_FOUND",
                "Provided external ID field does not exist or is not accessible: " + remote_id,
                404,
            )
        return row

    # -- writing -------------------------------------------------------------------------------------------

    def create_row(self, request: Request, name: str) -> Response:
        row = create(
            self.store, self._name(name), body_of(request), API_ACTOR, auto_assign=_auto_assign(request)
        )
        location = {"Location": f"{request.path.rstrip('/')}/{row.remote_id}"}
        return json_response({"id": row.remote_id, "success": True, "errors": []}, 201, location)

    def update_row(self, request: Request, name: str, remote_id: str) -> Response:
        row = self._row(self._name(name), remote_id)
        self._hit(row)
        update(self.store, row, body_of(request), API_ACTOR, auto_assign=_auto_assign(request))
        return Response(204)

    def _hit(self, row: Stored) -> None:
        """What other users of the organisation are doing."""
        if self.faults.hits("lock"):
            parent = str(row.fields.get("AccountId") or row.remote_id)[:15]
            text = f"unable to obtain exclusive access to this record or 1 records: {parent}"
            raise RuleError("UNABLE_TO_LOCK_ROW", text)
        if self.faults.hits("dupes"):
            raise RuleError("DUPLICATES_DETECTED", "Use one of these records?")

    def delete_row(self, request: Request, name: str, remote_id: str) -> Response:
        row = self._row(self._name(name), remote_id)
        if row.object in CHILDREN and not row.deleted:
            delete_whole(self.store, row, API_ACTOR)
        else:
            delete(self.store, row, API_ACTOR)
        return Response(204)

    def update_many(self, request: Request) -> Response:
        return self._many(request, creating=False)

    def create_many(self, request: Request) -> Response:
        return self._many(request, creating=True)

    def _many(self, request: Request, *, creating: bool) -> Response:
        body = body_of(request)
        records = body.get("records")
        if not isinstance(records, list) or not records:
            raise error("INVALID_INPUT", "The records list is empty")
        if len(records) > 200:
            raise error(
                "EXCEEDED_ID_LIMIT",
                "record limit reached. cannot submit more than 200 records into this call",
            )
        types = [str(r.get("attributes", {}).get("type", "")) for r in records]
        if not all(types):
            raise error("JSON_PARSER_ERROR", "Include an 'attributes' object with the type of each record")
        if sum(a != b for a, b in pairwise(types)) > 10:
            raise error("INVALID_INPUT", "Too many chunks: sort the records by type")
        auto_assign = _auto_assign(request)
        results: list[Fields] = []
        try:
            with self.store.transaction():
                for name, record in zip(types, records, strict=True):
                    results.append(self._write_one(name, record, creating=creating, auto_assign=auto_assign))
                if body.get("allOrNone") and not all(r["success"] for r in results):
                    raise _RolledBack
        except _RolledBack:
            text = "Record rolled back because not all records were valid and the request was using AllOrNone header"
            rolled = _failed(RuleError("ALL_OR_NONE_OPERATION_ROLLED_BACK", text))
            results = [rolled if r["success"] else r for r in results]
        return json_response(results)

    def _write_one(self, name: str, record: Fields, *, creating: bool, auto_assign: bool) -> Fields:
        try:
            if name.lower() not in {o.lower() for o in self.store.objects(SYSTEM)}:
                raise RuleError("INVALID_TYPE", f"sObject type '{name}' is not supported.")
            name = self._name(name)
            if creating:
                row = create(self.store, name, record, API_ACTOR, auto_assign=auto_assign)
            else:
                remote_id = salesforce_id_18(str(record.get("id") or record.get("Id") or ""))
                if not remote_id:
                    raise RuleError("MISSING_ARGUMENT", "Id not specified in an update call")
                known = self.store.get(SYSTEM, name, remote_id)
                if known is None:
                    raise RuleError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
                self._hit(known)
                row = update(self.store, known, record, API_ACTOR, auto_assign=auto_assign)
        except RuleError as rule:
            return _failed(rule)
        return {"id": row.remote_id, "success": True, "errors": []}


class _RolledBack(Exception):  # ends a transaction on purpose
    pass


def full_row(row: Stored) -> Fields:
    """The fields of a row with the ones the CRM itself keeps."""
    own = {"Id": row.remote_id, "IsDeleted": row.deleted, "CreatedDate": row.created}
    by_person = by_person_at(row.modified, row.seq)
    return {**row.fields, **own, "LastModifiedDate": by_person, "SystemModstamp": row.modified}


def _auto_assign(request: Request) -> bool:
    return request.headers.get("Sforce-Auto-Assign", "TRUE").upper() != "FALSE"


def _failed(rule: RuleError) -> Fields:
    errors = [{"statusCode": r.code, "message": r.message, "fields": r.fields} for r in rule.every()]
    return {"success": False, "errors": errors}
