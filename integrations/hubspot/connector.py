"""HubSpot, with hubspot-api-client as transport. Search lags and forgets; lists and reads by id are the truth."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar

import hubspot
import urllib3

from integrations.base import (
    Account,
    Capabilities,
    NewActivity,
    Page,
    PushResult,
    ReadResult,
    RemoteField,
    RemoteOwner,
    Wanted,
    Window,
    Write,
)
from integrations.budget import Budget, Rate
from integrations.errors import Misconfigured, Rejected, RetryLater
from integrations.http import Guard, GuardedPool
from integrations.hubspot import activities, names
from integrations.hubspot.errors import classify
from integrations.secrets import load_credential
from records.incoming import HistoryEntry, IncomingRecord
from records.models import Connection
from records.own_fields import OwnField

T = TypeVar("T")
Row = Mapping[str, Any]

HOST = "https://api.hubapi.com"
RATES = (
    Rate("search", "4/second", lambda method, path: path.endswith("/search")),
    Rate("burst", "95/10second"),
)
LIST_PAGE = 100
SEARCH_PAGE = 200
HISTORY_BATCH = 50
ASSOCIATION_BATCH = 1000
LONGEST_QUERY = 1800  # characters of property names in an address
LONGEST_SEARCH = 2500  # characters of a search's body; HubSpot takes 3,000
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def allowance(headers: Mapping[str, str]) -> tuple[int, int] | None:
    try:
        limit = int(headers["X-HubSpot-RateLimit-Daily"])
        return limit - int(headers["X-HubSpot-RateLimit-Daily-Remaining"]), limit
    except (KeyError, ValueError):
        return None


class HubspotConnector:
    kind: ClassVar[str] = "hubspot"
    capabilities: ClassVar[Capabilities] = Capabilities(has_webhooks=True, read_batch=100, push_batch=100)

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        _, secret = load_credential(connection)
        self._token = str(secret.get("access_token") or "")
        if not self._token:
            raise Misconfigured("The credentials lack access_token.")
        self.host = connection.base_url.rstrip("/") or HOST
        self.guard = Guard(
            kind=self.kind,
            base_url=connection.base_url,
            classify=classify,
            budget=Budget(connection.name, RATES, allowance),
        )
        self.guard.token_host = urllib3.util.parse_url(self.host).host
        self._pool = GuardedPool(self.guard)
        self._apis: dict[tuple[str, str], Any] = {}
        self._client = hubspot.HubSpot(access_token=self._token, host=self.host, api_factory=self._make_api)
        self._described: dict[str, dict[str, RemoteField]] = {}

    # -- the contract ------------------------------------------------------------------------------------------

    def check(self) -> Account:
        answer = self._json(
            self._pool.request(
                "GET",
                f"{self.host}/account-info/v3/details",
                headers={"Authorization": f"Bearer {self._token}"},
            )
        )
        return Account(
            remote_id=str(answer.get("portalId", "")),
            name=str(answer.get("uiDomain", "")),
            now=self.guard.server_now(),
            is_sandbox="SANDBOX" in str(answer.get("accountType", "")),
        )

    def server_now(self) -> datetime:
        return self.guard.server_now()

    def describe(self, remote_object: str) -> Mapping[str, RemoteField]:
        if remote_object not in self._described:
            try:
                answer = self._call(self._client.crm.properties.core_api.get_all, remote_object)
            except Rejected as error:
                raise Misconfigured(str(error)) from error
            self._described[remote_object] = {p["name"]: _remote_field(p) for p in answer["results"]}
        return self._described[remote_object]

    def pull(
        self, remote_object: str, wanted: Wanted, window: Window, state: Mapping[str, Any]
    ) -> Iterator[Page]:
        phase = state.get("phase") or ("list" if window.since is None else "search")
        if phase == "search":
            yield from self._search_window(remote_object, wanted, window, state)
        if phase == "list":
            yield from self._list(remote_object, wanted, state.get("after"), archived=False)
        if phase == "archived" or window.with_deleted:
            after = state.get("after") if phase == "archived" else None
            yield from self._list(remote_object, wanted, after, archived=True)

    def read(self, remote_object: str, remote_ids: Sequence[str], wanted: Wanted) -> ReadResult:
        ids = list(dict.fromkeys(remote_ids))
        rows = self._batch_read(remote_object, ids, wanted, archived=False)
        found = {str(row["id"]) for row in rows}
        left = [i for i in ids if i not in found]
        gone = self._batch_read(remote_object, left, wanted, archived=True) if left else []
        records = self._incoming(remote_object, rows, wanted) + self._incoming(
            remote_object, gone, wanted, is_deleted=True
        )
        found |= {str(row["id"]) for row in gone}
        return ReadResult(records, [i for i in ids if i not in found])

    def read_about(
        self, remote_object: str, remote_id: str, wanted: Mapping[str, Wanted]
    ) -> Sequence[IncomingRecord]:
        records: list[IncomingRecord] = []
        for activity in names.ACTIVITIES:
            if activity in wanted:
                ids = self._associated(remote_object, activity, [remote_id]).get(remote_id, [])
                rows = self._batch_read(activity, ids, wanted[activity], archived=False)
                records += self._incoming(activity, rows, wanted[activity])
        return records

    def push(self, remote_object: str, writes: Sequence[Write]) -> Sequence[PushResult]:
        results: list[PushResult] = []
        for some in _chunks(list(writes), self.capabilities.push_batch):
            results += self._push_batch(remote_object, some)
        return results

    @staticmethod
    def own_field_name(field: OwnField) -> str:
        return names.own_field_name(field)

    def create_fields(self, remote_object: str, fields: Sequence[OwnField]) -> None:
        self._create(
            self._client.crm.properties.groups_api.create,
            remote_object,
            {"name": names.GROUP, "label": "GTM Ops", "displayOrder": -1},
        )
        known = self.describe(remote_object)
        for field in fields:
            there = known.get(names.own_field_name(field))
            if there is None:
                self._create(
                    self._client.crm.properties.core_api.create,
                    remote_object,
                    names.own_field_property(field),
                )
            elif there.type != names.OWN_FIELD_TYPES[field.type]:
                raise Misconfigured(
                    f"{remote_object} has a property {there.name} of type {there.type}, which is not ours. "
                    "Rename or remove it."
                )
        self._described.pop(remote_object, None)
        seen = self.describe(remote_object)
        hidden = [f.name for f in fields if names.own_field_name(f) not in seen]
        if hidden:
            raise Misconfigured(f"{', '.join(hidden)} on {remote_object} were created but can't be seen.")

    def links_of(self, remote_object: str) -> tuple[str, ...]:
        return names.LINKS.get(remote_object, ())

    def find_activity(self, activity: NewActivity) -> tuple[str, str] | None:
        return activities.find(self, activity)

    def create_activity(self, activity: NewActivity) -> tuple[str, str]:
        return activities.create(self, activity)

    def owners(self) -> Sequence[RemoteOwner]:
        found: dict[str, RemoteOwner] = {}
        # Records keep the owners who left, and only the second list has those.
        for archived in (False, True):
            after: str | None = None
            while True:
                answer = self._call(
                    self._client.crm.owners.owners_api.get_page,
                    limit=100,
                    archived=archived,
                    **({"after": after} if after else {}),
                )
                for row in answer["results"]:
                    name = " ".join(str(row[k]) for k in ("firstName", "lastName") if row.get(k))
                    owner = RemoteOwner(
                        str(row["id"]),
                        name or str(row.get("email") or row["id"]),
                        row.get("email") or "",
                        not archived,
                    )
                    found.setdefault(owner.remote_id, owner)
                after = _after(answer)
                if after is None:
                    break
        return list(found.values())

    # -- calls -------------------------------------------------------------------------------------------------

    def _make_api(self, package: Any, name: str, config: Mapping[str, Any]) -> Any:
        key = (package.__name__, name)
        if key not in self._apis:
            configuration = package.Configuration()
            configuration.host = config["host"]
            configuration.access_token = config["access_token"]
            client = package.ApiClient(configuration=configuration)
            client.rest_client.pool_manager = self._pool
            self._apis[key] = getattr(package, name)(api_client=client)
        return self._apis[key]

    def _call(self, method: Any, *arguments: Any, **options: Any) -> Any:
        # Without the client's own reading of the answer: it drops what it doesn't expect, such as a 207's errors.
        return self._json(method(*arguments, _preload_content=False, **options))

    @staticmethod
    def _json(response: Any) -> Any:
        try:
            answer = json.loads(response.data) if response.data else {}
        except ValueError as error:
            raise RetryLater(
                "HubSpot answered with something that is not JSON; it may be under maintenance."
            ) from error
        if not isinstance(answer, dict):
            raise RetryLater("HubSpot's answer has another form than it should.")
        return answer

    def _create(self, method: Any, remote_object: str, body: Mapping[str, Any]) -> None:
        try:
            self._call(method, remote_object, dict(body))
        except Rejected as error:
            if error.code not in {"OBJECT_ALREADY_EXISTS", "CONFLICT"}:
                raise Misconfigured(str(error)) from error

    # -- reading -----------------------------------------------------------------------------------------------

    def _list(
        self, remote_object: str, wanted: Wanted, after: str | None, *, archived: bool
    ) -> Iterator[Page]:
        total = None if archived or after else self._count(remote_object)
        cursor = names.cursor_property(remote_object)
        asked = ",".join((*wanted.fields, *wanted.with_history))
        is_long = len(asked) > LONGEST_QUERY
        properties = [cursor] if is_long else [*dict.fromkeys((*wanted.fields, cursor))]
        while True:
            options: dict[str, Any] = {
                "limit": HISTORY_BATCH if wanted.with_history else LIST_PAGE,
                "properties": properties,
                "archived": archived,
            }
            if after:
                options["after"] = after
            if wanted.with_history and not is_long:
                options["properties_with_history"] = list(wanted.with_history)
            if wanted.links:
                options["associations"] = list(wanted.links)
            answer = self._call(self._client.crm.objects.basic_api.get_page, remote_object, **options)
            rows = _checked_rows(answer)
            after = _after(answer)
            if is_long:
                links = {str(r["id"]): r.get("associations") for r in rows}
                rows = self._batch_read(remote_object, list(links), wanted, archived=archived)
                rows = [{**r, "associations": links.get(str(r["id"])) or {}} for r in rows]
            records = self._incoming(remote_object, rows, wanted, is_deleted=archived, has_links=True)
            phase = "archived" if archived else "list"
            # Short and even empty pages with a next link occur: only a missing link ends the list.
            yield Page(records, {"phase": phase, "after": after} if after else {"phase": "archived"}, total)
            if after is None:
                return

    def _count(self, remote_object: str) -> int | None:
        try:
            answer = self._call(self._client.crm.objects.search_api.do_search, remote_object, {"limit": 1})
            return int(answer.get("total") or 0)
        except (RetryLater, Rejected):
            return None  # only for the progress bar

    def _search_window(
        self, remote_object: str, wanted: Wanted, window: Window, state: Mapping[str, Any]
    ) -> Iterator[Page]:
        """By (stamp, id): each page asks anew from the last stamp, so rows that move while we read shift nobody out,
        and the 10,000 of one search are never reached. Within one stamp that fills a page it goes by id."""
        cursor = names.cursor_property(remote_object)
        stamp = int(state.get("stamp") or _milliseconds(window.since))
        tie: int | None = state.get("tie")
        until = _milliseconds(window.until)
        offset: str | None = None
        while True:
            if tie is None:
                filters = [_filter(cursor, "GTE", stamp), _filter(cursor, "LT", until)]
                sort = cursor
            else:
                filters = [_filter(cursor, "EQ", stamp), _filter("hs_object_id", "GT", tie)]
                sort = "hs_object_id"
            answer, in_full = self._search(remote_object, wanted, filters, sort, offset)
            rows, following = _checked_rows(answer), _after(answer)
            if not rows and following:
                offset = following
                continue
            offset = None
            last = max((_milliseconds(_modified(row, cursor)) for row in rows), default=stamp)
            first = tie is None
            if tie is not None:
                stamp, tie = (
                    (stamp, max(int(row["id"]) for row in rows)) if rows and following else (stamp + 1, None)
                )
            elif following and last > stamp:
                stamp = last
            elif following:
                tie = 0
            if not in_full:
                rows = self._batch_read(
                    remote_object, [str(row["id"]) for row in rows], wanted, archived=False
                )
            yield Page(
                self._incoming(remote_object, rows, wanted),
                {"phase": "search", "stamp": stamp, **({} if tie is None else {"tie": tie})},
                int(answer.get("total") or 0) if first else None,
            )
            if first and not following:
                return

    def _search(
        self, remote_object: str, wanted: Wanted, filters: list[dict[str, str]], sort: str, after: str | None
    ) -> tuple[Row, bool]:
        """The answer, and whether its rows have all that is wanted."""
        cursor = names.cursor_property(remote_object)
        body: dict[str, Any] = {
            "filterGroups": [{"filters": filters}],
            "sorts": [{"propertyName": sort, "direction": "ASCENDING"}],
            "properties": [*dict.fromkeys((*wanted.fields, cursor))],
            "limit": SEARCH_PAGE,
            **({"after": after} if after else {}),
        }
        in_full = not wanted.with_history and len(json.dumps(body)) <= LONGEST_SEARCH
        if not in_full:
            body["properties"] = [cursor]
        return self._call(self._client.crm.objects.search_api.do_search, remote_object, body), in_full

    def _batch_read(
        self, remote_object: str, ids: Sequence[str], wanted: Wanted, *, archived: bool
    ) -> list[Row]:
        cursor = names.cursor_property(remote_object)
        rows: list[Row] = []
        for some in _chunks([i for i in ids if i.isdigit()], HISTORY_BATCH if wanted.with_history else 100):
            body: dict[str, Any] = {
                "inputs": [{"id": i} for i in some],
                "properties": [*dict.fromkeys((*wanted.fields, cursor))],
                "propertiesWithHistory": list(wanted.with_history),
            }
            answer = self._call(
                self._client.crm.objects.batch_api.read, remote_object, body, archived=archived
            )
            rows += _checked_rows(answer)
        return rows

    def _associated(self, from_type: str, to_type: str, ids: Sequence[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for some in _chunks(list(ids), ASSOCIATION_BATCH):
            inputs: list[dict[str, Any]] = [{"id": i} for i in some]
            while inputs:
                answer = self._call(
                    self._client.crm.associations.v4.batch_api.get_page,
                    from_type,
                    to_type,
                    {"inputs": inputs},
                )
                inputs = []
                for row in _checked_rows(answer):
                    own = str((row.get("from") or row.get("_from") or {}).get("id"))
                    found.setdefault(own, []).extend(str(to["toObjectId"]) for to in row.get("to") or [])
                    if after := _after(row):
                        inputs.append({"id": own, "after": after})
        return found

    # -- rows to records ---------------------------------------------------------------------------------------

    def _incoming(
        self,
        remote_object: str,
        rows: Sequence[Row],
        wanted: Wanted,
        *,
        is_deleted: bool = False,
        has_links: bool = False,
    ) -> list[IncomingRecord]:
        cursor = names.cursor_property(remote_object)
        known = self.describe(remote_object)
        links: dict[str, list[tuple[str, str]]] = {}
        if has_links:
            for row in rows:
                for to_type, part in (row.get("associations") or {}).items():
                    if to_type in wanted.links:
                        links.setdefault(str(row["id"]), []).extend(
                            (to_type, str(to["id"])) for to in part.get("results") or []
                        )
        elif rows:
            for to_type in wanted.links:
                for own, others in self._associated(
                    remote_object, to_type, [str(row["id"]) for row in rows]
                ).items():
                    links.setdefault(own, []).extend((to_type, other) for other in others)
        return [
            self._record(remote_object, row, wanted, known, cursor, links.get(str(row["id"]), []), is_deleted)
            for row in rows
        ]

    def _record(
        self, remote_object: str, row: Row, wanted: Wanted, known: Mapping[str, RemoteField], cursor: str,
        links: list[tuple[str, str]], is_deleted: bool,
    ) -> IncomingRecord:  # fmt: skip
        properties = row.get("properties") or {}
        modified = _modified(row, cursor)
        if row.get("archivedAt"):
            modified = max(modified, _instant(row["archivedAt"]))
        return IncomingRecord(
            remote_object=remote_object,
            remote_id=str(row["id"]),
            # A property that isn't defined is left out silently; one that is, and empty, may be left out as well.
            values={name: properties.get(name) for name in wanted.fields if name in known},
            modified_at=modified,
            created_at=_instant(row["createdAt"]) if row.get("createdAt") else None,
            is_deleted=is_deleted or bool(row.get("archived")),
            history=_history(row.get("propertiesWithHistory") or {}),
            links=tuple(sorted(set(links))),
            raw={"properties": properties},
        )

    # -- writing -----------------------------------------------------------------------------------------------

    def _push_batch(self, remote_object: str, writes: Sequence[Write]) -> list[PushResult]:
        sent = {i: self._outgoing(remote_object, values) for i, values in writes}
        body = {"inputs": [{"id": i, "properties": p, "objectWriteTraceId": i} for i, p in sent.items()]}
        try:
            answer = self._call(self._client.crm.objects.batch_api.update, remote_object, body)
        except Rejected as error:
            # One bad value refuses the whole batch without saying whose: halve until it is alone.
            if len(writes) == 1:
                return [PushResult(writes[0][0], "refused", str(error), error.code)]
            half = len(writes) // 2
            return self._push_batch(remote_object, writes[:half]) + self._push_batch(
                remote_object, writes[half:]
            )
        except Misconfigured as error:
            if len(writes) == 1:
                return [PushResult(writes[0][0], "refused", str(error))]
            raise
        failed = _failures(answer.get("errors") or [], set(sent))
        stands = {str(row["id"]): row.get("properties") or {} for row in _checked_rows(answer)}
        return [self._push_result(remote_id, sent[remote_id], stands, failed) for remote_id in sent]

    def _outgoing(self, remote_object: str, values: Mapping[str, Any]) -> dict[str, str]:
        found = {name: names.outgoing(value) for name, value in values.items()}
        for name in [n for n, text in found.items() if _DAY.fullmatch(text)]:
            # A day, kept where HubSpot wants a moment: its own pages show midnight UTC as that day.
            known = self.describe(remote_object).get(name)
            found[name] += "T00:00:00Z" if known and known.type == "datetime" else ""
        return found

    @staticmethod
    def _push_result(
        remote_id: str, sent: Mapping[str, str], stands: Mapping[str, Row], failed: Mapping[str, PushResult]
    ) -> PushResult:
        if remote_id in failed:
            return failed[remote_id]
        if remote_id not in stands:
            return PushResult(remote_id, "retry", "HubSpot's answer does not mention this record.")
        kept = [
            name
            for name, value in sent.items()
            if name in stands[remote_id] and not names.is_same(value, stands[remote_id][name])
        ]
        if kept:
            return PushResult(
                remote_id,
                "refused",
                f"HubSpot answered 200 but kept its own value of {', '.join(sorted(kept))}.",
            )
        return PushResult(remote_id, "written")


def _failures(errors: Sequence[Row], ids: set[str]) -> dict[str, PushResult]:
    """One error entry may stand for many records."""
    found: dict[str, PushResult] = {}
    for error in errors:
        context = error.get("context") or {}
        named = [str(i) for key in ("ids", "id", "objectWriteTraceId") for i in context.get(key) or []]
        code = str(error.get("category") or error.get("code") or "")
        outcome = "gone" if code == "OBJECT_NOT_FOUND" else "refused"
        for remote_id in named or ids:
            found[remote_id] = PushResult(remote_id, outcome, str(error.get("message", ""))[:2000], code)  # type: ignore[arg-type]  # one of two words
    return found


def _history(by_property: Mapping[str, Any]) -> tuple[HistoryEntry, ...]:
    entries: list[HistoryEntry] = []
    for name, changes in by_property.items():
        ordered = sorted(changes, key=lambda c: (_instant(c["timestamp"]),))
        for before, change in zip([None, *ordered], ordered, strict=False):
            old = before.get("value") if before else None
            at = _instant(change["timestamp"])
            # The value is in the key, because one instant may hold two; as a digest, because it may be personal.
            digest = hashlib.blake2b(
                str(change.get("value")).encode("utf-8", "replace"), digest_size=6
            ).hexdigest()
            key = f"{at.isoformat()}#{digest}"
            entries.append(HistoryEntry(name, change.get("value"), at, key, old))
    return tuple(entries)


def _remote_field(item: Row) -> RemoteField:
    read_only = bool((item.get("modificationMetadata") or {}).get("readOnlyValue")) or bool(
        item.get("calculated")
    )
    return RemoteField(
        name=item["name"],
        label=item.get("label") or item["name"],
        type=str(item.get("type", "")),
        is_writable=not read_only,
        options=tuple(
            (str(o["value"]), str(o.get("label") or o["value"])) for o in item.get("options") or []
        ),
    )


def _checked_rows(answer: Row) -> list[Row]:
    rows = answer.get("results")
    if not isinstance(rows, list) or any(not isinstance(row, dict) for row in rows):
        raise RetryLater("HubSpot's answer has no results in it.")
    return rows


def _after(answer: Row) -> str | None:
    found = ((answer.get("paging") or {}).get("next") or {}).get("after")
    return None if found in (None, "") else str(found)


def _modified(row: Row, cursor: str) -> datetime:
    return _instant((row.get("properties") or {}).get(cursor) or row.get("updatedAt"))


def _filter(name: str, operator: str, value: int) -> dict[str, str]:
    return {"propertyName": name, "operator": operator, "value": str(value)}


def _milliseconds(at: datetime | None) -> int:
    return 1 if at is None else max(1, round(at.timestamp() * 1000))


def _instant(text: Any) -> datetime:
    """Raises RetryLater, so that a page with a time that can't be read is refused whole."""
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise RetryLater(f"HubSpot sent a time that can't be read: {str(text)[:40]!r}.") from error


def _chunks(items: list[T], size: int) -> Iterator[list[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
