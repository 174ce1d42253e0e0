"""Bulk API 2.0 queries of the stand-in Salesforce: jobs that take a while, and results in pages of CSV."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Iterator
from typing import Any

from integrations.standins.faults import Faults
from integrations.standins.http import Request, Response, json_response
from integrations.standins.load import API_USER_ID
from integrations.standins.salesforce_answers import body_of, error
from integrations.standins.salesforce_query import Queries
from integrations.standins.soql import Query
from integrations.standins.store import Fields, Store, utc_now
from integrations.standins.world import salesforce_id

REFUSED = {"LeadStatus", "OpportunityStage", "TaskStatus", "CaseStatus"}
COMPOUND = {"address", "location"}
LOOKS = ("UploadComplete", "InProgress", "JobComplete")
"""The state at each look: a job is never done when it is first asked for."""
_FORBIDDEN = re.compile(
    r"\b(GROUP\s+BY|OFFSET|TYPEOF|COUNT\s*\(|SUM\s*\(|MAX\s*\(|MIN\s*\(|AVG\s*\()|\(\s*SELECT\b",
    re.IGNORECASE,
)


class Bulk:
    def __init__(self, store: Store, queries: Queries, faults: Faults) -> None:
        self.store = store
        self.queries = queries
        self.faults = faults
        self._seqs: dict[str, tuple[Query, list[int]]] = {}

    def routes(self, prefix: str) -> Iterator[tuple[str, str, Any]]:
        """(method, path, handler) of each; ``prefix`` is that of the API's versions."""
        one = f"{prefix}/jobs/query/{{job}}"
        yield "POST", f"{prefix}/jobs/query", self.create
        yield "GET", one, self.look
        yield "PATCH", one, self.abort
        yield "DELETE", one, self.delete
        yield "GET", f"{one}/results", self.results

    def create(self, request: Request) -> Response:
        body = body_of(request)
        text = str(body.get("query") or "")
        if body.get("operation") not in ("query", "queryAll") or body.get("contentType", "CSV") != "CSV":
            raise error("INVALIDJOB", "operation must be query or queryAll, contentType CSV")
        if _FORBIDDEN.search(text):
            raise error(
                "API_ERROR", "Bulk API 2.0 query does not support aggregates, OFFSET, TYPEOF or subqueries"
            )
        name = (re.findall(r"\bFROM\s+(\w+)", text, re.IGNORECASE) or [""])[0]
        if name in REFUSED:
            raise error("INVALIDENTITY", f"Entity '{name}' is not supported to use in Bulk API.")
        query, _ = self.queries.whole(
            f"{text} LIMIT 1" if " LIMIT " not in text.upper() else text, deleted=True
        )
        if found := [n for n, kind in self.queries.columns(query).items() if kind in COMPOUND]:
            raise error("API_ERROR", f"Selecting compound data not supported in Bulk Query: {found[0]}")
        job_id = salesforce_id("750", self.store.next_number("750"))
        job = {
            "id": job_id, "operation": body["operation"], "object": query.object, "query": text, "looks": 0,
            "created": f"{utc_now():%Y-%m-%dT%H:%M:%S}.000+0000", "version": _version(request), "is_aborted": False,
        }  # fmt: skip
        self.store.set_meta(f"bulk:{job_id}", job)
        return json_response(self._shown(job, "UploadComplete"))

    def look(self, request: Request, job: str) -> Response:
        known = self._job(job)
        known["looks"] += 1
        self.store.set_meta(f"bulk:{job}", known)
        return json_response(self._shown(known, self._state(known)))

    def abort(self, request: Request, job: str) -> Response:
        known = self._job(job)
        if body_of(request).get("state") != "Aborted" or self._state(known) not in LOOKS[:2]:
            raise error("INVALIDJOBSTATE", "Only a job that is not complete can be aborted")
        known["is_aborted"] = True
        self.store.set_meta(f"bulk:{job}", known)
        return json_response(self._shown(known, "Aborted"))

    def delete(self, request: Request, job: str) -> Response:
        self._job(job)
        self.store.execute("DELETE FROM meta WHERE key = ?", [f"bulk:{job}"])
        return Response(204)

    def results(self, request: Request, job: str) -> Response:
        known = self._job(job)
        if self._state(known) != "JobComplete":
            raise error("INVALIDJOBSTATE", "The job is not complete")
        if known["version"] != _version(request):
            raise error("API_VERSION_MISMATCH", "Results are read with the version of the job", 409)
        query, seqs = self._rows(known)
        locator, most = request.arg("locator"), request.arg("maxRecords", "50000")
        if locator and not re.fullmatch(r"M[0-9]+", locator):
            raise error("INVALIDLOCATOR", "The locator is not one of this job")
        start = int(locator[1:]) if locator else 0
        some = seqs[start : start + int(most)]
        body = gzip.compress(self._csv(query, some)) if _takes_gzip(request) else self._csv(query, some)
        following = start + len(some)
        headers = {
            "Sforce-NumberOfRecords": str(len(some)),
            "Sforce-Locator": f"M{following}" if following < len(seqs) else "null",
        }
        if _takes_gzip(request):
            headers["Content-Encoding"] = "gzip"
        return Response(200, body, "text/csv", headers)

    # -- inside --------------------------------------------------------------------------------------------

    def _job(self, job: str) -> Fields:
        known: Fields | None = self.store.meta(f"bulk:{job}")
        if known is None or self.faults.hits("bulkgone"):
            raise error("NOT_FOUND", "The requested resource does not exist", 404)
        return known

    def _state(self, job: Fields) -> str:
        if job["is_aborted"]:
            return "Aborted"
        state = LOOKS[min(max(int(job["looks"]) - 1, 0), len(LOOKS) - 1)]
        return "Failed" if state == "JobComplete" and self.faults.hits("bulkfail") else state

    def _rows(self, job: Fields) -> tuple[Query, list[int]]:
        """As they were when the job was first complete: a page that is fetched again has the same rows."""
        found = self._seqs.get(job["id"])
        if found is None:
            query, seqs = self.queries.whole(job["query"], deleted=job["operation"] == "queryAll")
            found = self._seqs[job["id"]] = (query, seqs if query.order else _chunked(seqs))
        return found

    def _shown(self, job: Fields, state: str) -> Fields:
        out: Fields = {
            "id": job["id"], "operation": job["operation"], "object": job["object"], "createdById": API_USER_ID,
            "createdDate": job["created"], "systemModstamp": job["created"], "state": state,
            "concurrencyMode": "Parallel", "contentType": "CSV", "apiVersion": float(job["version"]),
            "lineEnding": "LF", "columnDelimiter": "COMMA",
        }  # fmt: skip
        if state == "JobComplete":
            short = 1 if self.faults.hits("bulkshort") else 0
            out |= {
                "numberRecordsProcessed": len(self._rows(job)[1]) + short,
                "retries": 0,
                "totalProcessingTime": 1,
            }
        if state == "Failed":
            out["errorMessage"] = "InvalidBatch : Failed to process query: the query ran for too long"
        return out

    def _csv(self, query: Query, seqs: list[int]) -> bytes:
        types = self.queries.columns(query)
        out = io.StringIO()
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(query.select)
        for row in self.queries.rows_of(query, seqs):
            writer.writerow([_text(types[path], _at(row, path)) for path in query.select])
        return out.getvalue().encode()


def _chunked(seqs: list[int]) -> list[int]:
    """In the order of nothing: chunks by id come as they are done."""
    return sorted(seqs, key=lambda seq: (seq * 7919) % 10_007)


def _at(row: Fields, path: str) -> Any:
    relation, dot, name = path.partition(".")
    if not dot:
        return next((v for k, v in row.items() if k.lower() == path.lower()), None)
    return (row.get(relation) or {}).get(name)


def _text(kind: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if kind == "datetime":
        return str(value).removesuffix("+0000") + "Z"
    return str(value)


def _version(request: Request) -> str:
    return request.path.split("/")[3].removeprefix("v")


def _takes_gzip(request: Request) -> bool:
    return "gzip" in request.headers.get("Accept-Encoding", "")
