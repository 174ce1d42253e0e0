"""The part of HubSpot's API that the product and hubspot-api-client use: v3 objects, v4 associations, OAuth."""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from typing import Any

from integrations.standins.faults import Faults
from integrations.standins.http import Refused, Request, Response, Router, json_response
from integrations.standins.hubspot_rules import (
    API_ACTOR,
    SYSTEM,
    RuleError,
    archive,
    create,
    opposite_of_known,
    options,
    relate,
    singular,
    update,
)
from integrations.standins.hubspot_schema import HUBSPOT_OBJECTS, association_type
from integrations.standins.hubspot_search import normal_type, search
from integrations.standins.store import Fields, Store, Stored
from integrations.standins.webhooks import PORTAL_ID

PAGE = 100
HISTORY_PAGE = 50
BURST = 190
DAILY = 1_000_000
DEFAULT_PROPERTIES = {
    "contacts": ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    "companies": ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
    "deals": (
        "amount",
        "closedate",
        "createdate",
        "dealname",
        "dealstage",
        "hs_lastmodifieddate",
        "hs_object_id",
        "pipeline",
    ),
}
_ENGAGEMENT_DEFAULTS = ("hs_createdate", "hs_lastmodifieddate", "hs_object_id")
_TYPE = "/crm/v3/objects/{type}"
_FIELD_TYPES = {
    "string": {"text", "textarea", "file", "html", "phonenumber"},
    "number": {"number"},
    "enumeration": {"select", "radio", "checkbox", "booleancheckbox"},
    "date": {"date"},
    "datetime": {"date"},
    "bool": {"booleancheckbox"},
}


class HubspotApi:
    def __init__(self, store: Store, faults: Faults) -> None:
        self.store = store
        self.faults = faults
        self._lock = threading.Lock()
        self._recent: deque[float] = deque()
        self._used = 0
        self._calls: dict[str, int] = {}

    def routes(self, router: Router) -> None:
        router.add("POST", "/oauth/{version}/token", self.token)
        for method, path, handler in (
            ("GET", "/account-info/v3/details", self.account),
            ("GET", _TYPE, self.list_rows),
            ("POST", _TYPE, self.create_row),
            ("POST", f"{_TYPE}/search", self.search),
            ("POST", f"{_TYPE}/batch/read", self.batch_read),
            ("POST", f"{_TYPE}/batch/create", self.batch_create),
            ("POST", f"{_TYPE}/batch/update", self.batch_update),
            ("POST", f"{_TYPE}/batch/upsert", self.batch_upsert),
            ("POST", f"{_TYPE}/batch/archive", self.batch_archive),
            ("GET", f"{_TYPE}/{{remote_id}}", self.get_row),
            ("PATCH", f"{_TYPE}/{{remote_id}}", self.update_row),
            ("DELETE", f"{_TYPE}/{{remote_id}}", self.archive_row),
            ("GET", "/crm/v3/properties/{type}", self.properties),
            ("POST", "/crm/v3/properties/{type}", self.create_property),
            ("GET", "/crm/v3/properties/{type}/groups", self.groups),
            ("POST", "/crm/v3/properties/{type}/groups", self.create_group),
            ("POST", "/crm/v3/properties/{type}/batch/create", self.create_properties),
            ("POST", "/crm/v3/properties/{type}/batch/read", self.read_properties),
            ("GET", "/crm/v3/properties/{type}/{name}", self.get_property),
            ("PATCH", "/crm/v3/properties/{type}/{name}", self.update_property),
            ("DELETE", "/crm/v3/properties/{type}/{name}", self.archive_property),
            ("GET", "/crm/v3/pipelines/{type}", self.pipelines),
            ("GET", "/crm/v3/pipelines/{type}/{pipeline}", self.pipeline),
            ("GET", "/crm/v3/pipelines/{type}/{pipeline}/stages", self.stages),
            ("GET", "/crm/v3/owners", self.owners),
            ("GET", "/crm/v3/owners/{owner}", self.owner),
            ("GET", "/crm/v4/objects/{from_type}/{remote_id}/associations/{to_type}", self.associations),
            (
                "PUT",
                "/crm/v4/objects/{from_type}/{remote_id}/associations/default/{to_type}/{to_id}",
                self.associate_default,
            ),
            ("PUT", "/crm/v4/objects/{from_type}/{remote_id}/associations/{to_type}/{to_id}", self.associate),
            ("POST", "/crm/v4/associations/{from_type}/{to_type}/batch/read", self.batch_associations),
            ("POST", "/crm/v4/associations/{from_type}/{to_type}/batch/create", self.batch_associate),
            ("GET", "/crm/v4/associations/{from_type}/{to_type}/labels", self.labels),
        ):
            router.add(method, path, self._guarded(handler))

    def _guarded(self, handler: Any) -> Any:
        def guarded(request: Request, **parts: str) -> Response:
            correlation = str(uuid.uuid4())
            try:
                self._check(request)
                if "type" in parts:
                    parts["kind"] = normal_type(parts.pop("type"))
                for name in ("from_type", "to_type"):
                    if name in parts:
                        parts[name] = normal_type(parts[name])
                response: Response = handler(request, **parts)
            except RuleError as rule:
                response = json_response({**rule.body, "correlationId": correlation}, rule.status)
            except Refused as refused:
                response = refused.response
            response.headers["X-HubSpot-Correlation-Id"] = correlation
            self._count(request, response)
            return response

        return guarded

    def _check(self, request: Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        known = token.startswith("pat-") or self.store.meta(f"hubspot-token:{token}", 0) > time.time()
        if scheme != "Bearer" or not known or token.endswith("wrong"):
            raise RuleError("Authentication credentials not found.", "INVALID_AUTHENTICATION", 401)
        allowed = self.faults.calls_per_session()
        if allowed and not token.startswith("pat-"):
            with self._lock:
                self._calls[token] = self._calls.get(token, 0) + 1
                over = self._calls[token] > allowed
            if over:
                raise RuleError(
                    "The OAuth token used to make this call expired.", "EXPIRED_AUTHENTICATION", 401
                )

    def _count(self, request: Request, response: Response) -> None:
        now = time.monotonic()
        with self._lock:
            self._used += 1
            while self._recent and self._recent[0] < now - 10:
                self._recent.popleft()
            self._recent.append(now)
            left = max(0, BURST - len(self._recent))
            used = self._used
        if not request.path.endswith("/search"):
            response.headers |= {
                "X-HubSpot-RateLimit-Daily": str(DAILY),
                "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, DAILY - used)),
                "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
                "X-HubSpot-RateLimit-Max": str(BURST),
                "X-HubSpot-RateLimit-Remaining": str(left),
            }

    def token(self, request: Request, version: str) -> Response:
        form = request.form
        if (
            form.get("grant_type") not in ("authorization_code", "refresh_token")
            or form.get("client_secret") == "wrong"
        ):
            body = {
                "error": "invalid_grant",
                "error_description": "bad grant",
                "status": "BAD_REFRESH_TOKEN",
                "message": "bad grant",
            }
            return json_response(body, 400)
        token = secrets.token_urlsafe(40)
        self.store.set_meta(f"hubspot-token:{token}", time.time() + 1800)
        refresh = form.get("refresh_token") or secrets.token_urlsafe(24)
        out: Fields = {
            "access_token": token,
            "refresh_token": refresh,
            "expires_in": 1800,
            "token_type": "bearer",
        }
        return json_response(
            out if version == "v1" else {**out, "hub_id": PORTAL_ID, "scopes": [], "user_id": 1}
        )

    def account(self, request: Request) -> Response:
        return json_response(
            {
                "portalId": PORTAL_ID,
                "accountType": "DEVELOPER_TEST",
                "timeZone": "US/Central",
                "companyCurrency": "USD",
                "additionalCurrencies": ["EUR"],
                "utcOffset": "-06:00",
                "utcOffsetMilliseconds": -21_600_000,
                "uiDomain": "app.hubspot.com",
                "dataHostingLocation": "na1",
            }
        )

    # -- reading -------------------------------------------------------------------------------------------

    def list_rows(self, request: Request, kind: str) -> Response:
        history = _names(request, "propertiesWithHistory")
        limit = _integer(request.arg("limit", "10"))
        most = HISTORY_PAGE if history else PAGE
        if limit > most:
            raise RuleError(f"limit: {limit} is above the maximum of {most}")
        archived = request.arg("archived").lower() == "true"
        after = _integer(request.arg("after", "0"))
        sql = (
            "SELECT remote_id FROM rows WHERE system = 'hubspot' AND object = ? AND deleted = ?"
            " AND CAST(remote_id AS INTEGER) >= ? ORDER BY CAST(remote_id AS INTEGER) LIMIT ?"
        )
        ids = [r["remote_id"] for r in self.store.fetch(sql, [kind, int(archived), after, limit + 1])]
        rows = self.store.get_many(SYSTEM, kind, ids[:limit])
        page = [rows[i] for i in ids[:limit] if i in rows]
        out: Fields = {
            "results": self._shown(
                kind, page, _names(request, "properties"), history, _names(request, "associations")
            )
        }
        if len(ids) > limit:
            base = re.sub(r"([?&])after=[^&]*&?", r"\1", request.target).rstrip("?&")
            link = f"{request.host}{base}{'&' if '?' in base else '?'}after={ids[limit]}"
            out["paging"] = {"next": {"after": ids[limit], "link": link}}
        return json_response(out)

    def get_row(self, request: Request, kind: str, remote_id: str) -> Response:
        row = self._row(
            kind, remote_id, request.arg("idProperty"), archived=request.arg("archived").lower() == "true"
        )
        shown = self._shown(
            kind,
            [row],
            _names(request, "properties"),
            _names(request, "propertiesWithHistory"),
            _names(request, "associations"),
        )
        return json_response(shown[0])

    def _row(self, kind: str, remote_id: str, id_property: str = "", *, archived: bool = False) -> Stored:
        if id_property and id_property != "hs_object_id":
            found = self._by_property(kind, id_property, [remote_id])
            row = found.get(remote_id.lower())
        else:
            row = self.store.get(SYSTEM, kind, remote_id)
        if row is not None and row.deleted == archived:
            return row
        if id_property or not remote_id.isdigit():
            page = b"<!DOCTYPE html><html><head><title>Not found</title></head><body>Not found</body></html>"
            raise Refused(Response(404, page, headers={"X-HubSpot-NotFound": "true"}))
        raise RuleError("resource not found", "OBJECT_NOT_FOUND", 404)

    def _by_property(self, kind: str, name: str, values: Iterable[str]) -> dict[str, Stored]:
        if name not in self.store.schema(SYSTEM, kind):
            raise RuleError(f"idProperty: no property {name}")
        wanted = json.dumps([v.lower() for v in values])
        where = f"lower(json_extract(fields, '$.{name}')) IN (SELECT value FROM json_each(?))"  # noqa: S608  # a known name
        return {str(r.fields[name]).lower(): r for r in self.store.all_of(SYSTEM, kind, where, [wanted])}

    def _shown(
        self,
        kind: str,
        rows: list[Stored],
        names: Sequence[str],
        history: Sequence[str] = (),
        links: Sequence[str] = (),
    ) -> list[Fields]:
        meta = HUBSPOT_OBJECTS[kind]
        schema = self.store.schema(SYSTEM, kind)
        wanted = names or [*DEFAULT_PROPERTIES.get(kind, _ENGAGEMENT_DEFAULTS)]
        wanted = list(dict.fromkeys([*wanted, *history, "hs_object_id", meta.created, meta.modified]))
        changes: dict[str, list[Any]] = defaultdict(list)
        if history:
            for change in self.store.history(SYSTEM, kind, [r.remote_id for r in rows]):
                changes[change["remote_id"]].append(change)
        linked = {normal_type(t): self._linked(kind, rows, normal_type(t)) for t in links}
        out = []
        for row in rows:
            own = {"hs_object_id": row.remote_id, meta.created: row.created, meta.modified: row.modified}
            item: Fields = {
                "id": row.remote_id,
                "properties": {n: own.get(n, row.fields.get(n)) for n in wanted if n in schema},
                "createdAt": row.created,
                "updatedAt": row.modified,
                "archived": row.deleted,
            }
            if row.deleted:
                item["archivedAt"] = row.modified
            if history:
                item["propertiesWithHistory"] = {
                    n: _versions(row, n, changes[row.remote_id]) for n in history if n in schema
                }
            found = {t: per_row[row.remote_id] for t, per_row in linked.items() if per_row.get(row.remote_id)}
            if found:
                item["associations"] = {t: {"results": results} for t, results in found.items()}
            out.append(item)
        return out

    def _linked(self, kind: str, rows: list[Stored], to_type: str) -> dict[str, list[Fields]]:
        out: dict[str, list[Fields]] = defaultdict(list)
        for link in self.store.associated(kind, [r.remote_id for r in rows], to_type):
            name = f"{HUBSPOT_OBJECTS[kind].singular}_to_{HUBSPOT_OBJECTS[to_type].singular}"
            out[link["from_id"]].append({"id": link["to_id"], "type": name})
        return out

    def search(self, request: Request, kind: str) -> Response:
        body = _body(request)
        total, rows, after = search(self.store, kind, body, len(request.body))
        out: Fields = {"total": total, "results": self._shown(kind, rows, body.get("properties") or [])}
        if after is not None:
            out["paging"] = {"next": {"after": str(after)}}
        return json_response(out)

    def batch_read(self, request: Request, kind: str) -> Response:
        body = _body(request)
        history = body.get("propertiesWithHistory") or []
        most = HISTORY_PAGE if history else PAGE
        ids = [str(i["id"]) for i in _inputs(body, PAGE)]
        if len(ids) > most:
            raise RuleError(
                "The maximum number of inputs supported in a batch request for property histories is 50."
                f" Received {len(ids)}."
            )
        if len(set(ids)) != len(ids):
            raise RuleError("Duplicate IDs found in batch input")
        id_property = body.get("idProperty")
        if id_property:
            found = self._by_property(kind, id_property, ids)
            rows = [found[i.lower()] for i in ids if i.lower() in found]
            missing = [i for i in ids if i.lower() not in found]
        else:
            known = self.store.get_many(SYSTEM, kind, ids)
            archived = request.arg("archived").lower() == "true"
            rows = [r for r in known.values() if r.deleted == archived]
            missing = [i for i in ids if i not in known or known[i].deleted != archived]
        rows.sort(key=lambda r: int(r.remote_id))
        return _batch(
            self._shown(kind, rows, body.get("properties") or [], history), self._missing(kind, missing)
        )

    def _missing(self, kind: str, ids: list[str]) -> list[Fields]:
        if not ids:
            return []
        text = f"Could not get some {singular(kind)} objects, they may be deleted or not exist."
        return [{"status": "error", "category": "OBJECT_NOT_FOUND", "message": text, "context": {"ids": ids}}]

    # -- writing -------------------------------------------------------------------------------------------

    def create_row(self, request: Request, kind: str) -> Response:
        body = _body(request)
        row = create(
            self.store, kind, body.get("properties") or {}, API_ACTOR, body.get("associations") or []
        )
        location = {"Location": f"{request.host}{request.path.rstrip('/')}/{row.remote_id}"}
        return json_response(self._shown(kind, [row], [*row.fields])[0], 201, location)

    def update_row(self, request: Request, kind: str, remote_id: str) -> Response:
        row = self._row(kind, remote_id, request.arg("idProperty"))
        asked = _body(request).get("properties") or {}
        return json_response(self._shown(kind, [update(self.store, row, asked, API_ACTOR)], [*asked])[0])

    def archive_row(self, request: Request, kind: str, remote_id: str) -> Response:
        row = self.store.get(SYSTEM, kind, remote_id)
        if row is not None:
            archive(self.store, row, API_ACTOR)
        return Response(204)

    def batch_create(self, request: Request, kind: str) -> Response:
        inputs = _inputs(_body(request), PAGE)
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
                shown = self._shown(kind, [row], [*row.fields])[0]
                results.append(
                    {**shown, "objectWriteTraceId": item["objectWriteTraceId"]} if traced else shown
                )
        return _batch(results, errors, 201)

    def batch_update(self, request: Request, kind: str) -> Response:
        inputs = _inputs(_body(request), PAGE)
        ids = [str(i["id"]) for i in inputs]
        if len(set(ids)) != len(ids):
            raise RuleError("Duplicate IDs found in batch input")
        by_property = {
            str(i["idProperty"]) for i in inputs if i.get("idProperty", "hs_object_id") != "hs_object_id"
        }
        with self.store.transaction():
            if by_property:
                found = self._by_property(kind, by_property.pop(), ids)
                known = {i: found[i.lower()] for i in ids if i.lower() in found}
            else:
                known = {i: r for i, r in self.store.get_many(SYSTEM, kind, ids).items() if not r.deleted}
            names: dict[str, None] = {}
            rows = []
            for remote_id, item in zip(ids, inputs, strict=True):
                if remote_id in known:
                    asked = item.get("properties") or {}
                    names |= dict.fromkeys(asked)
                    rows.append(update(self.store, known[remote_id], asked, API_ACTOR))
        rows.sort(key=lambda r: int(r.remote_id))
        return _batch(
            self._shown(kind, rows, [*names]), self._missing(kind, [i for i in ids if i not in known])
        )

    def batch_upsert(self, request: Request, kind: str) -> Response:
        results = []
        with self.store.transaction():
            for item in _inputs(_body(request), PAGE):
                name, value = str(item.get("idProperty") or "hs_object_id"), str(item["id"])
                asked = item.get("properties") or {}
                if name == "hs_object_id":
                    row = self.store.get(SYSTEM, kind, value)
                else:
                    row = self._by_property(kind, name, [value]).get(value.lower())
                if row is None:
                    done = create(self.store, kind, {name: value, **asked}, API_ACTOR)
                else:
                    done = update(self.store, row, asked, API_ACTOR)
                results.append({**self._shown(kind, [done], [name, *asked])[0], "new": row is None})
        return _batch(results, [])

    def batch_archive(self, request: Request, kind: str) -> Response:
        with self.store.transaction():
            for row in self.store.get_many(
                SYSTEM, kind, [str(i["id"]) for i in _inputs(_body(request), PAGE)]
            ).values():
                archive(self.store, row, API_ACTOR)
        return Response(204)

    # -- properties ----------------------------------------------------------------------------------------

    def properties(self, request: Request, kind: str) -> Response:
        wanted = request.arg("archived").lower() == "true"
        schema = self.store.schema(SYSTEM, kind)
        found = [self._property(kind, d) for d in schema.values() if bool(d.get("archived")) == wanted]
        return json_response({"results": found})

    def get_property(self, request: Request, kind: str, name: str) -> Response:
        return json_response(self._property(kind, self._definition(kind, name)))

    def _definition(self, kind: str, name: str) -> Fields:
        found = self.store.schema(SYSTEM, kind).get(name)
        if found is None or found.get("archived"):
            text = f'Property "{name}" does not exist'
            raise RuleError(text, "OBJECT_NOT_FOUND", 404, subCategory="Properties.PROPERTY_NOT_FOUND")
        return found

    def _property(self, kind: str, definition: Fields) -> Fields:
        external = definition["name"] in ("hubspot_owner_id", "lifecyclestage", "dealstage", "pipeline")
        listed = [] if definition["name"] == "hubspot_owner_id" else options(self.store, kind, definition)
        ours = bool(definition.get("made_by_api"))
        read_only = bool(definition.get("readOnly"))
        return {
            "name": definition["name"],
            "label": definition["label"],
            "type": definition["type"],
            "fieldType": definition.get("fieldType", "text"),
            "description": definition.get("description", ""),
            "groupName": definition["groupName"],
            "options": [
                {"label": o["label"], "value": o["value"], "displayOrder": n, "hidden": bool(o.get("hidden"))}
                for n, o in enumerate(listed)
            ],
            "displayOrder": -1,
            "calculated": bool(definition.get("calculated")),
            "externalOptions": external,
            "hasUniqueValue": bool(definition.get("hasUniqueValue")),
            "hidden": bool(definition.get("hidden")),
            "hubspotDefined": not ours,
            "formField": not read_only,
            "archived": bool(definition.get("archived")),
            "modificationMetadata": {
                "archivable": ours,
                "readOnlyDefinition": not ours,
                "readOnlyValue": read_only,
            },
        }

    def create_property(self, request: Request, kind: str) -> Response:
        return json_response(self._property(kind, self._make_property(kind, _body(request))), 201)

    def create_properties(self, request: Request, kind: str) -> Response:
        made, errors = [], []
        for item in _inputs(_body(request), PAGE):
            try:
                made.append(self._property(kind, self._make_property(kind, item)))
            except RuleError as rule:
                errors.append({**rule.body, "context": {"name": [item.get("name")]}})
        return _batch(made, errors, 201)

    def read_properties(self, request: Request, kind: str) -> Response:
        schema = self.store.schema(SYSTEM, kind)
        names = [str(i["name"]) for i in _inputs(_body(request), PAGE)]
        found = [
            self._property(kind, schema[n]) for n in names if n in schema and not schema[n].get("archived")
        ]
        return _batch(found, self._missing(kind, [n for n in names if n not in schema]))

    def _make_property(self, kind: str, body: Fields) -> Fields:
        name, typ, field_type = (str(body.get(k, "")) for k in ("name", "type", "fieldType"))
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or not body.get("label"):
            raise RuleError(f"Property name {name!r} is not valid or the label is missing")
        if typ not in _FIELD_TYPES or field_type not in _FIELD_TYPES[typ]:
            raise RuleError(f"{name}: type {typ} and fieldType {field_type} do not go together")
        group = str(body.get("groupName", ""))
        if group not in self.store.meta("groups")[kind]:
            raise RuleError(
                f"Property group {group} does not exist", subCategory="PropertyGroupError.GROUP_NOT_FOUND"
            )
        listed = [{"value": str(o["value"]), "label": str(o["label"])} for o in body.get("options") or []]
        if typ == "enumeration" and not listed and field_type != "booleancheckbox":
            raise RuleError(f"{name}: an enumeration needs options")
        with self.store.transaction():
            known = self.store.schema(SYSTEM, kind).get(name)
            if known is not None and not known.get("archived"):
                raise RuleError(
                    f'A property named "{name}" already exists.',
                    "OBJECT_ALREADY_EXISTS",
                    409,
                    subCategory="Properties.PROPERTY_WITH_NAME_EXISTS",
                )
            definition: Fields = {
                "name": name,
                "label": str(body["label"]),
                "type": typ,
                "fieldType": field_type,
                "groupName": group,
                "description": str(body.get("description") or ""),
                "hasUniqueValue": bool(body.get("hasUniqueValue")),
                "hidden": bool(body.get("hidden")),
                "made_by_api": True,
                "options": listed,
            }
            self.store.put_fields(SYSTEM, kind, [definition])
        return definition

    def update_property(self, request: Request, kind: str, name: str) -> Response:
        """With ``options`` the whole list is replaced, without it stays."""
        known = self._definition(kind, name)
        body = _body(request)
        keep = {
            k: body[k]
            for k in ("label", "groupName", "description", "hidden", "fieldType", "options")
            if body.get(k) is not None
        }
        self.store.put_fields(SYSTEM, kind, [{**known, **keep}])
        return json_response(self._property(kind, self._definition(kind, name)))

    def archive_property(self, request: Request, kind: str, name: str) -> Response:
        known = self._definition(kind, name)
        if not known.get("made_by_api"):
            raise RuleError(f"{name} is defined by HubSpot and cannot be archived")
        self.store.put_fields(SYSTEM, kind, [{**known, "archived": True}])
        return Response(204)

    def groups(self, request: Request, kind: str) -> Response:
        found = self.store.meta("groups")[kind]
        results = [
            {"name": n, "label": label, "displayOrder": i, "archived": False}
            for i, (n, label) in enumerate(found.items())
        ]
        return json_response({"results": results})

    def create_group(self, request: Request, kind: str) -> Response:
        body = _body(request)
        name, label = str(body.get("name", "")), str(body.get("label", ""))
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or not label:
            raise RuleError("A group needs a name and a label")
        with self.store.transaction():
            groups = self.store.meta("groups")
            if name in groups[kind]:
                text = f"A property group named {name} already exists."
                raise RuleError(
                    text, "OBJECT_ALREADY_EXISTS", 409, subCategory="PropertyGroupError.GROUP_EXISTS"
                )
            groups[kind][name] = label
            self.store.set_meta("groups", groups)
        return json_response({"name": name, "label": label, "displayOrder": -1, "archived": False}, 201)

    # -- pipelines, owners, associations ---------------------------------------------------------------------

    def pipelines(self, request: Request, kind: str) -> Response:
        return json_response({"results": self._pipelines(kind)})

    def pipeline(self, request: Request, kind: str, pipeline: str) -> Response:
        found = [p for p in self._pipelines(kind) if p["id"] == pipeline]
        if not found:
            raise RuleError("resource not found", "OBJECT_NOT_FOUND", 404)
        return json_response(found[0])

    def stages(self, request: Request, kind: str, pipeline: str) -> Response:
        found = [p for p in self._pipelines(kind) if p["id"] == pipeline]
        if not found:
            raise RuleError("resource not found", "OBJECT_NOT_FOUND", 404)
        return json_response({"results": found[0]["stages"]})

    def _pipelines(self, kind: str) -> list[Fields]:
        stamp = {"createdAt": "2020-01-01T00:00:00Z", "updatedAt": "2020-01-01T00:00:00Z", "archived": False}
        return [
            {
                "id": p["id"],
                "label": p["label"],
                "displayOrder": n,
                **stamp,
                "stages": [
                    {
                        "id": s["id"],
                        "label": s["label"],
                        "displayOrder": i,
                        "metadata": {
                            "isClosed": str(s["closed"]).lower(),
                            "probability": str(float(s["probability"])),
                        },
                        **stamp,
                    }
                    for i, s in enumerate(p["stages"])
                ],
            }
            for n, p in enumerate(self.store.meta("pipelines", []))
            if p.get("object_type", "deals") == kind
        ]

    def owners(self, request: Request) -> Response:
        archived = request.arg("archived").lower() == "true"
        email, after = request.arg("email").lower(), _integer(request.arg("after", "0"))
        limit = min(_integer(request.arg("limit", "100")), 500)
        found = [o for o in self.store.meta("owners", []) if o["archived"] == archived]
        found = [o for o in found if not email or o["email"].lower() == email]
        out: Fields = {"results": [_owner(o) for o in found[after : after + limit]]}
        if after + limit < len(found):
            out["paging"] = {"next": {"after": str(after + limit)}}
        return json_response(out)

    def owner(self, request: Request, owner: str) -> Response:
        key = "user_id" if request.arg("idProperty") == "userId" else "id"
        archived = request.arg("archived").lower() == "true"
        found = [
            o for o in self.store.meta("owners", []) if str(o[key]) == owner and o["archived"] == archived
        ]
        if not found:
            raise RuleError("resource not found", "OBJECT_NOT_FOUND", 404)
        return json_response(_owner(found[0]))

    def associations(self, request: Request, from_type: str, remote_id: str, to_type: str) -> Response:
        links = _grouped(self.store.associated(from_type, [remote_id], to_type)).get(remote_id, [])
        limit, after = min(_integer(request.arg("limit", "500")), 500), _integer(request.arg("after", "0"))
        out: Fields = {"results": links[after : after + limit]}
        if after + limit < len(links):
            out["paging"] = {"next": {"after": str(after + limit)}}
        return json_response(out)

    def batch_associations(self, request: Request, from_type: str, to_type: str) -> Response:
        ids = [str(i["id"]) for i in _inputs(_body(request), 1000)]
        found = _grouped(self.store.associated(from_type, ids, to_type))
        results = [{"from": {"id": i}, "to": found[i]} for i in dict.fromkeys(ids) if i in found]
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
        return _batch(results, errors)

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
        return _batch([{"from": {"id": remote_id}, "to": {"id": to_id}}], [])

    def batch_associate(self, request: Request, from_type: str, to_type: str) -> Response:
        results = []
        with self.store.transaction():
            for item in _inputs(_body(request), 2000):
                pair = str(item["from"]["id"]), str(item["to"]["id"])
                self._relate(
                    from_type, pair[0], to_type, pair[1], [int(k["associationTypeId"]) for k in item["types"]]
                )
                results.append({"fromObjectId": int(pair[0]), "toObjectId": int(pair[1]), "labels": []})
        return _batch(results, [], 201)

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


def _versions(row: Stored, name: str, changes: list[Any]) -> list[Fields]:
    """The history of one property, newest first; its first value is as old as the record."""
    mine = [c for c in changes if c["field"] == name]
    out = []
    for change in reversed(mine):
        version: Fields = {
            "value": json.loads(change["new"]) or "",
            "timestamp": change["at"],
            "sourceType": change["source"],
        }
        if str(change["by"]).isdigit():
            version |= {"updatedByUserId": int(change["by"]), "sourceId": f"userId:{change['by']}"}
        out.append(version)
    first = json.loads(mine[0]["old"]) if mine else row.fields.get(name)
    if first is not None:
        source = (
            "INTEGRATION"
            if not row.fields.get("hs_object_source_label")
            else row.fields["hs_object_source_label"]
        )
        out.append({"value": first, "timestamp": row.created, "sourceType": source})
    return out


def _grouped(links: list[Any]) -> dict[str, list[Fields]]:
    pairs: dict[str, dict[str, list[Fields]]] = defaultdict(lambda: defaultdict(list))
    for link in links:
        label = "Primary" if link["type_id"] in (1, 2, 5, 6) else None
        kind = {"category": "HUBSPOT_DEFINED", "typeId": link["type_id"], "label": label}
        pairs[link["from_id"]][link["to_id"]].append(kind)
    return {
        from_id: [{"toObjectId": int(to_id), "associationTypes": kinds} for to_id, kinds in to.items()]
        for from_id, to in pairs.items()
    }


def _owner(owner: Fields) -> Fields:
    return {
        "id": owner["id"],
        "email": owner["email"],
        "type": "PERSON",
        "firstName": owner["first_name"],
        "lastName": owner["last_name"],
        "userId": None if owner["archived"] else owner["user_id"],
        "userIdIncludingInactive": owner["user_id"],
        "createdAt": "2020-01-01T00:00:00.000Z",
        "updatedAt": "2020-01-01T00:00:00.000Z",
        "archived": owner["archived"],
        "teams": [
            {"id": str(n), "name": t, "primary": n == 1}
            for n, t in enumerate(owner.get("teams", []), start=1)
        ],
    }


def _batch(results: list[Fields], errors: list[Fields], status: int = 200) -> Response:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    out: Fields = {"status": "COMPLETE", "results": results, "startedAt": moment, "completedAt": moment}
    if errors:
        out |= {"numErrors": len(errors), "errors": errors}
    return json_response(out, 207 if errors else status)


def _body(request: Request) -> Fields:
    try:
        body = request.json()
    except ValueError:
        raise RuleError("Invalid input JSON") from None
    if not isinstance(body, dict):
        raise RuleError("Invalid input JSON: an object is expected")
    return body


def _inputs(body: Fields, most: int) -> list[Fields]:
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise RuleError("inputs: at least one is needed")
    if len(inputs) > most:
        raise RuleError(
            f"The maximum number of inputs supported in a batch request is {most}. Received {len(inputs)}."
        )
    return inputs


def _names(request: Request, parameter: str) -> list[str]:
    return [n for value in request.query.get(parameter, []) for n in value.split(",") if n]


def _integer(text: str) -> int:
    if not text.isdigit():
        raise RuleError(f"{text!r} is not a number")
    return int(text)
