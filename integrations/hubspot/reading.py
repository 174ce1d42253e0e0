"""Reading records: lists for everything, search for what changed, batches by id. Search lags and forgets what is
archived; lists and reads by id are the truth."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from integrations.base import IdPage, Page, ReadResult, Wanted, Window
from integrations.errors import Misconfigured, Rejected, RetryLater
from integrations.hubspot import names
from integrations.hubspot.answers import (
    Row,
    check_record,
    chunks,
    milliseconds,
    modified_of,
    next_after,
    records_of,
    records_read,
    rows_read,
)
from integrations.hubspot.records import merged_away, properties_wanted, record_of
from integrations.hubspot.schema import Schema
from integrations.hubspot.session import HubspotSession
from integrations.legible import Illegible
from integrations.store import tombstones
from records.incoming import IncomingRecord

LIST_PAGE = 100
SEARCH_PAGE = 200
READ_BATCH = 100
HISTORY_BATCH = 50
ASSOCIATION_BATCH = 1000
LONGEST_QUERY = 1800  # characters of property names in an address
LONGEST_SEARCH = 2500  # characters of a search's body; HubSpot takes 3,000
EMPTY_PAGES = 50  # that follow one another
SINGLE_READS = 20  # ids that no batch knows and that are asked for one by one


class Reading:
    def __init__(self, session: HubspotSession, schema: Schema) -> None:
        self.session = session
        self.schema = schema

    # -- windows -----------------------------------------------------------------------------------------------

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

    def _list(
        self, remote_object: str, wanted: Wanted, after: str | None, *, archived: bool
    ) -> Iterator[Page]:
        total, is_counted, tries = None, not archived and not after, 0
        asked = properties_wanted(remote_object, wanted)
        is_long = len(",".join((*asked, *wanted.with_history))) > LONGEST_QUERY
        properties = [names.cursor_property(remote_object)] if is_long else asked
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
            answer = self.session.call(
                self.session.client.crm.objects.basic_api.get_page, remote_object, **options
            )
            listed = records_of(answer)
            if total is None and is_counted:
                # After the page, so that a CRM that is away is asked once and not twice.
                total = self._count(remote_object)
            is_counted = False
            after, came_from = next_after(answer), after
            tries = self._nothing_new(listed, after, came_from, tries)
            rows = listed
            if is_long:
                rows = self.batch_read(
                    remote_object, [str(r["id"]) for r in listed], wanted, archived=archived
                )
            links = self._links_listed(remote_object, listed, wanted)
            phase = "archived" if archived else "list"
            yield self._page(
                remote_object,
                rows,
                wanted,
                links,
                {"phase": phase, "after": after} if after else {"phase": "archived"},
                total,
                is_deleted=archived,
            )
            if after is None:
                return

    def _count(self, remote_object: str) -> int | None:
        try:
            answer = self.session.call(
                self.session.client.crm.objects.search_api.do_search, remote_object, {"limit": 1}
            )
            return int(answer.get("total") or 0)
        except (RetryLater, Rejected) as error:
            if isinstance(error, RetryLater) and error.at is not None:
                raise  # it wants us to wait, whatever we ask for
            return None  # only for the progress bar

    @staticmethod
    def _nothing_new(rows: Sequence[Any], after: str | None, before: str | None, tries: int) -> int:
        """How often in a row a page brought nothing but a next one. Raises Illegible where that leads nowhere."""
        if rows and after is not None and after == before:
            raise Illegible("HubSpot's link to the next page leads to the same page.")
        if rows or after is None:
            return 0
        if tries >= EMPTY_PAGES:
            raise Illegible(f"HubSpot sent {tries} empty pages, each with a next one.")
        return tries + 1

    def _search_window(
        self, remote_object: str, wanted: Wanted, window: Window, state: Mapping[str, Any]
    ) -> Iterator[Page]:
        """By (stamp, id): each page asks anew from the last stamp, so rows that move while we read shift nobody out,
        and the 10,000 of one search are never reached. Within one stamp that fills a page it goes by id."""
        cursor = names.cursor_property(remote_object)
        stamp = int(state.get("stamp") or milliseconds(window.since))
        tie: int | None = state.get("tie")
        until = milliseconds(window.until)
        offset: str | None = None
        tries = 0
        while True:
            if tie is None:
                filters = [_filter(cursor, "GTE", stamp), _filter(cursor, "LT", until)]
                sort = cursor
            else:
                filters = [_filter(cursor, "EQ", stamp), _filter("hs_object_id", "GT", tie)]
                sort = "hs_object_id"
            answer, in_full = self._search(remote_object, wanted, filters, sort, offset)
            rows, following = records_of(answer), next_after(answer)
            tries = self._nothing_new(rows, following, None, tries)
            if not rows and following:
                offset = following
                continue
            offset = None
            last = max((milliseconds(modified_of(row, cursor)) for row in rows), default=stamp)
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
                rows = self.batch_read(
                    remote_object, [str(row["id"]) for row in rows], wanted, archived=False
                )
            yield self._page(
                remote_object,
                rows,
                wanted,
                self._links(remote_object, rows, wanted),
                {"phase": "search", "stamp": stamp, **({} if tie is None else {"tie": tie})},
                int(answer.get("total") or 0) if first else None,
            )
            if first and not following:
                return

    def _search(
        self, remote_object: str, wanted: Wanted, filters: list[dict[str, str]], sort: str, after: str | None
    ) -> tuple[Row, bool]:
        """The answer, and whether its rows have all that is wanted."""
        body: dict[str, Any] = {
            "filterGroups": [{"filters": filters}],
            "sorts": [{"propertyName": sort, "direction": "ASCENDING"}],
            "properties": properties_wanted(remote_object, wanted),
            "limit": SEARCH_PAGE,
            **({"after": after} if after else {}),
        }
        in_full = not wanted.with_history and len(json.dumps(body)) <= LONGEST_SEARCH
        if not in_full:
            body["properties"] = [names.cursor_property(remote_object)]
        search = self.session.client.crm.objects.search_api.do_search
        return self.session.call(search, remote_object, body), in_full

    # -- by id -------------------------------------------------------------------------------------------------

    def read(self, remote_object: str, remote_ids: Sequence[str], wanted: Wanted) -> ReadResult:
        """Live, archived, merged into another: in that order; what is left is not there for us."""
        ids = list(dict.fromkeys(remote_ids))
        rows = self.batch_read(remote_object, ids, wanted, archived=False)
        found = {str(row["id"]) for row in rows}
        left = [i for i in ids if i not in found]
        gone = self.batch_read(remote_object, left, wanted, archived=True) if left else []
        records = self._incoming(remote_object, rows, wanted) + self._incoming(
            remote_object, gone, wanted, is_deleted=True
        )
        found |= {str(row["id"]) for row in gone}
        merged = merged_away(remote_object, rows)
        found |= {record.remote_id for record in merged}
        winners, more = self._winners(remote_object, [i for i in ids if i not in found], wanted, found)
        found |= {record.remote_id for record in more}
        return ReadResult([*records, *winners, *merged, *more], [i for i in ids if i not in found])

    def _winners(
        self, remote_object: str, ids: Sequence[str], wanted: Wanted, held: set[str]
    ) -> tuple[list[IncomingRecord], list[IncomingRecord]]:
        """The records that merged-away ids lead to, and those ids as gone into them: asked for singly HubSpot still
        answers an old id with the record of today."""
        cursor = names.cursor_property(remote_object)
        into: dict[str, list[tuple[str, datetime]]] = {}
        for remote_id in [i for i in ids if i.isdigit()][:SINGLE_READS]:
            try:
                row = self.session.call(
                    self.session.client.crm.objects.basic_api.get_by_id,
                    remote_object,
                    remote_id,
                    properties=[cursor],
                )
            except (Misconfigured, Rejected):
                continue  # not there by that id either
            check_record(row)
            if row["id"] != remote_id:
                into.setdefault(str(row["id"]), []).append((remote_id, modified_of(row, cursor)))
        rows = self.batch_read(remote_object, [i for i in into if i not in held], wanted, archived=False)
        losers = [
            gone
            for winner, lost in into.items()
            for remote_id, at in lost
            for gone in tombstones(remote_object, [remote_id], at, winner)
        ]
        return self._incoming(remote_object, rows, wanted), losers

    def batch_read(
        self, remote_object: str, ids: Sequence[str], wanted: Wanted, *, archived: bool
    ) -> list[Row]:
        rows: list[Row] = []
        size = HISTORY_BATCH if wanted.with_history else READ_BATCH
        for some in chunks(list(dict.fromkeys(i for i in ids if i.isdigit())), size):
            body: dict[str, Any] = {
                "inputs": [{"id": i} for i in some],
                "properties": properties_wanted(remote_object, wanted),
                "propertiesWithHistory": list(wanted.with_history),
            }
            answer = self.session.call(
                self.session.client.crm.objects.batch_api.read, remote_object, body, archived=archived
            )
            rows += records_read(answer)
        return rows

    def read_about(
        self, remote_object: str, remote_id: str, wanted: Mapping[str, Wanted]
    ) -> Sequence[IncomingRecord]:
        records: list[IncomingRecord] = []
        for activity in names.ACTIVITIES:
            if activity in wanted:
                ids = self.associated(remote_object, activity, [remote_id]).get(remote_id, [])
                rows = self.batch_read(activity, ids, wanted[activity], archived=False)
                records += self._incoming(activity, rows, wanted[activity])
        return records

    def associated(self, from_type: str, to_type: str, ids: Sequence[str]) -> dict[str, list[str]]:
        """Ids of ``to_type`` by the id they hang at, read to the end of each."""
        found: dict[str, list[str]] = {}
        for some in chunks(list(ids), ASSOCIATION_BATCH):
            inputs: list[dict[str, Any]] = [{"id": i} for i in some]
            while inputs:
                answer = self.session.call(
                    self.session.client.crm.associations.v4.batch_api.get_page,
                    from_type,
                    to_type,
                    {"inputs": inputs},
                )
                inputs = []
                for row in rows_read(answer):
                    own = str((row.get("from") or row.get("_from") or {}).get("id"))
                    found.setdefault(own, []).extend(str(to["toObjectId"]) for to in row.get("to") or [])
                    if after := next_after(row):
                        inputs.append({"id": own, "after": after})
        return found

    # -- ids and samples ---------------------------------------------------------------------------------------

    def list_ids(self, remote_object: str, after: str) -> Iterator[IdPage]:
        cursor, tries = names.cursor_property(remote_object), 0
        while True:
            answer = self.session.call(
                self.session.client.crm.objects.basic_api.get_page,
                remote_object,
                limit=LIST_PAGE,
                properties=[cursor],
                archived=False,
                **({"after": after} if after else {}),
            )
            ids = [(str(row["id"]), modified_of(row, cursor)) for row in records_of(answer)]
            came_from, following = after, next_after(answer)
            tries = self._nothing_new(ids, following, came_from or None, tries)
            # The last page begins the next listing anew: it has no place that could be gone on from.
            yield IdPage(ids, following or "")
            if following is None:
                return
            after = following

    def sample(self, remote_object: str, fields: Sequence[str], size: int) -> Sequence[Mapping[str, Any]]:
        """Of the records changed last, as far as search has heard."""
        cursor = names.cursor_property(remote_object)
        answer = self.session.call(
            self.session.client.crm.objects.search_api.do_search,
            remote_object,
            {
                "sorts": [{"propertyName": cursor, "direction": "DESCENDING"}],
                "properties": [cursor],
                "limit": min(size, READ_BATCH),
            },
        )
        ids = [str(row["id"]) for row in records_of(answer)]
        rows = self.batch_read(remote_object, ids, Wanted(fields=tuple(fields)), archived=False)
        by_id = {str(row["id"]): row.get("properties") or {} for row in rows}
        return [{name: by_id[i].get(name) for name in fields} for i in ids if i in by_id]

    # -- rows to records ---------------------------------------------------------------------------------------

    def _page(
        self,
        remote_object: str,
        rows: Sequence[Row],
        wanted: Wanted,
        links: Mapping[str, list[tuple[str, str]]],
        state: Mapping[str, Any],
        total: int | None,
        *,
        is_deleted: bool = False,
    ) -> Page:
        known = self.schema.describe(remote_object)
        records = [
            record_of(remote_object, row, wanted, known, links.get(str(row["id"]), ()), is_deleted=is_deleted)
            for row in rows
        ]
        return Page([*records, *merged_away(remote_object, rows)], state, total)

    def _incoming(
        self, remote_object: str, rows: Sequence[Row], wanted: Wanted, *, is_deleted: bool = False
    ) -> list[IncomingRecord]:
        known = self.schema.describe(remote_object)
        links = self._links(remote_object, rows, wanted)
        return [
            record_of(remote_object, row, wanted, known, links.get(str(row["id"]), ()), is_deleted=is_deleted)
            for row in rows
        ]

    def _links(
        self, remote_object: str, rows: Sequence[Row], wanted: Wanted
    ) -> dict[str, list[tuple[str, str]]]:
        links: dict[str, list[tuple[str, str]]] = {}
        for to_type in wanted.links if rows else ():
            ids = [str(row["id"]) for row in rows]
            for own, others in self.associated(remote_object, to_type, ids).items():
                links.setdefault(own, []).extend((to_type, other) for other in others)
        return links

    def _links_listed(
        self, remote_object: str, rows: Sequence[Row], wanted: Wanted
    ) -> dict[str, list[tuple[str, str]]]:
        """As a list gives them; a record with more than fit beside it is asked about by itself."""
        links: dict[str, list[tuple[str, str]]] = {}
        for to_type in wanted.links:
            crowded: list[str] = []
            for row in rows:
                part = (row.get("associations") or {}).get(to_type) or {}
                own = str(row["id"])
                if next_after(part):
                    crowded.append(own)
                else:
                    links.setdefault(own, []).extend(
                        (to_type, str(to["id"])) for to in part.get("results") or []
                    )
            for own, others in (self.associated(remote_object, to_type, crowded) if crowded else {}).items():
                links.setdefault(own, []).extend((to_type, other) for other in others)
        return links


def _filter(name: str, operator: str, value: int) -> dict[str, str]:
    return {"propertyName": name, "operator": operator, "value": str(value)}
