"""Lists, records, edit forms and mails, for people; rendered on the server, without script."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from django.template import Context, Engine

from integrations.standins.forms import read_instant
from integrations.standins.http import Handler, Refused, Request, Response, Router, redirect
from integrations.standins.hubspot_schema import HUBSPOT_OBJECTS
from integrations.standins.mail import mail_text, mails
from integrations.standins.pages.crm import Crm, PageFault, moment
from integrations.standins.pages.hubspot import HubspotCrm
from integrations.standins.pages.salesforce import SalesforceCrm
from integrations.standins.slack_api import slack_messages
from integrations.standins.store import Fields, Store, Stored, stored

HERE = Path(__file__).parent
PAGE = 50
_SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


class Pages:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.hubspot = HubspotCrm(store)
        self.crms: dict[str, Crm] = {c.slug: c for c in (self.hubspot, SalesforceCrm(store))}
        self._engine = Engine(dirs=[str(HERE)])
        self._css = (HERE / "standin.css").read_bytes()

    def routes(self, router: Router) -> None:
        router.add("GET", "/", self.index)
        router.add("GET", "/standin.css", self.css)
        router.add("GET", "/mail", self.mail_list)
        router.add("GET", "/mail/{seq}", self.mail)
        router.add("GET", "/slack", self.slack)
        router.add("POST", "/hubspot/live-lead", _own_form(self.live_lead))
        router.add("GET", "/contacts/{portal}/record/{type_id}/{remote_id}", self.hubspot_link)
        router.add("GET", "/lightning/r/{name}/{remote_id}/view", self.salesforce_link)
        for slug in self.crms:
            for method, path, handler in (
                ("GET", "", self.home),
                ("POST", "/acting", self.acting),
                ("GET", "/{name}", self.list_rows),
                ("GET", "/{name}/new", self.new),
                ("POST", "/{name}/new", self.new),
                ("GET", "/{name}/{remote_id}", self.record),
                ("GET", "/{name}/{remote_id}/edit", self.edit),
                ("POST", "/{name}/{remote_id}/edit", self.edit),
                ("POST", "/{name}/{remote_id}/log", self.log),
                ("POST", "/{name}/{remote_id}/act", self.act),
            ):
                bound = _bind(handler, self.crms[slug])
                router.add(method, f"/{slug}{path}", _own_form(bound) if method == "POST" else bound)

    def render(self, template: str, title: str, status: int = 200, **context: Any) -> Response:
        # Without these two Django would ask its settings how numbers and times are written here.
        page = Context({"title": title, **context}, use_l10n=False, use_tz=False)
        text = self._engine.get_template(template).render(page)
        return Response(status, text.encode(), headers=dict(_SECURITY))

    def _frame(self, crm: Crm, request: Request, row: Stored | None = None) -> Fields:
        people = crm.people()
        acting = _acting(crm, request, row)
        known = next((p.id for p in people if p.id == acting), people[0].id)
        return {
            "crm": crm,
            "people": people,
            "acting": known,
            "here": request.target,
            "objects": list(crm.pages.values()),
        }

    def not_found(self, request: Request) -> Response:
        return self.render("base.html", "There is no such page", 404)

    def index(self, request: Request) -> Response:
        return self.render("index.html", "Demo systems")

    def slack(self, request: Request) -> Response:
        return self.render("slack.html", "Demo Slack", messages=slack_messages(self.store))

    def css(self, request: Request) -> Response:
        return Response(200, self._css, "text/css; charset=utf-8")

    # -- CRM pages -----------------------------------------------------------------------------------------

    def home(self, crm: Crm, request: Request) -> Response:
        counts = {
            r["object"]: r["n"]
            for r in self.store.fetch(
                "SELECT object, count(*) AS n FROM rows WHERE system = ? AND deleted = 0 GROUP BY object",
                [crm.system],
            )
        }
        objects = [
            {"name": p.name, "plural": p.plural, "count": counts.get(p.name, 0)} for p in crm.pages.values()
        ]
        lead = self.store.get(crm.system, "contacts", request.arg("lead")) if crm.slug == "hubspot" else None
        shown = {"name": crm.record_name(lead), "href": crm.href(lead)} if lead else None
        context = {
            **self._frame(crm, request),
            "objects": objects,
            "lead": shown,
            "writes": self._api_writes(crm),
        }
        return self.render("home.html", crm.name, **context)

    def _api_writes(self, crm: Crm) -> list[Fields]:
        sql = "SELECT * FROM writes WHERE system = ? AND source = 'API' ORDER BY seq DESC LIMIT 10"
        out = []
        for write in self.store.fetch(sql, [crm.system]):
            row = self.store.get(crm.system, write["object"], write["remote_id"])
            if row is not None and row.object in crm.pages:
                fields = ", ".join(json.loads(write["fields"]))
                out.append(
                    {
                        "at": moment(write["at"]),
                        "name": crm.record_name(row),
                        "href": crm.href(row),
                        "fields": fields,
                    }
                )
        return out

    def acting(self, crm: Crm, request: Request) -> Response:
        back = request.form.get("back", crm.path)
        response = redirect(back if back.startswith("/") and not back.startswith("//") else crm.path)
        cookie = quote(request.form.get("person", ""))
        response.headers["Set-Cookie"] = f"acting_{crm.slug}={cookie}; Path=/; HttpOnly; SameSite=Lax"
        return response

    def list_rows(self, crm: Crm, request: Request, name: str) -> Response:
        page_of = self._object(crm, name)
        q, page = (
            request.arg("q").strip(),
            max(1, int(request.arg("page", "1")) if request.arg("page", "1").isdigit() else 1),
        )
        where, params = "system = ? AND object = ? AND deleted = 0", [crm.system, name]
        if q:
            where += " AND (fields LIKE ? ESCAPE '\\' OR remote_id = ?)"
            escaped = json.dumps(q)[1:-1].replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            params += [f"%{escaped}%", q]
        total = self.store.fetch(f"SELECT count(*) AS n FROM rows WHERE {where}", params)[0]["n"]  # noqa: S608  # built above
        found = self.store.fetch(
            f"SELECT * FROM rows WHERE {where} ORDER BY modified DESC, seq DESC LIMIT ? OFFSET ?",  # noqa: S608  # the same
            [*params, PAGE, (page - 1) * PAGE],
        )
        schema = self.store.schema(crm.system, name)
        columns = [schema[c] for c in page_of.columns if c in schema]
        rows = []
        for row in (stored(r) for r in found):
            values = crm.values(row)
            cells = [self._value(crm, d, values.get(d["name"]), name)["shown"] for d in columns]
            rows.append({"href": crm.href(row), "name": crm.record_name(row), "cells": cells})
        pages = max(1, -(-total // PAGE))
        return self.render(
            "list.html",
            page_of.plural,
            **self._frame(crm, request),
            object=page_of,
            heads=["Name", *(d["label"] for d in columns)],
            rows=rows,
            total=total,
            q=q,
            page=page,
            pages=pages,
            previous=f"?{urlencode({'q': q, 'page': page - 1})}" if page > 1 else None,
            next=f"?{urlencode({'q': q, 'page': page + 1})}" if page < pages else None,
        )

    def record(self, crm: Crm, request: Request, name: str, remote_id: str, fault: str = "") -> Response:
        page_of, row = self._object(crm, name), self._row(crm, name, remote_id)
        values = crm.values(row)
        ours: list[Fields] = []
        groups: dict[str, list[Fields]] = defaultdict(list)
        for definition in self.store.schema(crm.system, name).values():
            shown = self._value(crm, definition, values.get(definition["name"]), name)
            if crm.is_ours(definition):
                ours.append(shown)
            elif shown["shown"] or (crm.is_editable(definition) and not definition.get("hidden")):
                groups[crm.group_of(definition)].append(shown)
        notices = {"saved": "Saved.", "logged": "Logged."}
        return self.render(
            "record.html",
            crm.record_name(row),
            400 if fault else 200,
            **self._frame(crm, request, row),
            object=page_of,
            path=crm.href(row),
            remote_id=row.remote_id,
            deleted=row.deleted,
            ours=ours,
            groups=[{"label": k, "fields": groups[k]} for k in sorted(groups, key=crm.group_order)],
            can_log=name in crm.loggable and not row.deleted,
            acts=crm.acts(row),
            activities=[{**a, "at": moment(a["at"])} for a in crm.activities(row)[:100]],
            related=crm.related(row),
            history=self._history(crm, row),
            notice=notices.get(request.arg("done"), ""),
            fault=fault,
        )

    def _history(self, crm: Crm, row: Stored) -> list[Fields]:
        schema = self.store.schema(crm.system, row.object)
        out: list[Fields] = [{"at": moment(row.created), "by": ""}]
        for change in self.store.history(crm.system, row.object, [row.remote_id]):
            definition = schema.get(change["field"])
            if definition is None or change["field"] == "LastModifiedById":
                continue
            sides = (
                self._value(crm, definition, json.loads(change[k]), row.object)["shown"]
                for k in ("old", "new")
            )
            old, new = sides
            by = crm.actor_name(change["by"], change["source"])
            out.append(
                {"at": moment(change["at"]), "field": definition["label"], "old": old, "new": new, "by": by}
            )
        return out[::-1][:200]

    def _value(self, crm: Crm, definition: Fields, value: Any, object_name: str) -> Fields:
        target = crm.target(definition, value)
        shown = target[0] if target else crm.text(definition, value, object_name)
        href = target[1] if target else None
        if href is None and isinstance(value, str) and value.startswith(("https://", "http://")):
            href = value
        return {"name": definition["name"], "label": definition["label"], "shown": shown, "href": href}

    def edit(self, crm: Crm, request: Request, name: str, remote_id: str) -> Response:
        row = self._row(crm, name, remote_id)
        values = crm.values(row)
        fault = ""
        if request.method == "POST":
            changes = self._changes(crm, name, values, request.form)
            try:
                if changes:
                    crm.update(row, changes, crm.actor(_acting(crm, request, row)))
                return redirect(f"{crm.href(row)}?done=saved")
            except PageFault as refused:
                fault = str(refused)
                values = {**values, **changes}
        title = f"Edit {crm.record_name(row)}"
        return self._form(crm, request, name, values, title, crm.href(row), fault, row)

    def new(self, crm: Crm, request: Request, name: str) -> Response:
        page_of = self._object(crm, name)
        values: Fields = {}
        fault = ""
        if request.method == "POST":
            values = self._changes(crm, name, {}, request.form)
            try:
                row = crm.create(name, values, crm.actor(_acting(crm, request, None)))
                return redirect(f"{crm.href(row)}?done=saved")
            except PageFault as refused:
                fault = str(refused)
        return self._form(crm, request, name, values, f"New {page_of.label}", f"{crm.path}/{name}", fault)

    def _form(
        self,
        crm: Crm,
        request: Request,
        name: str,
        values: Fields,
        title: str,
        back: str,
        fault: str,
        row: Stored | None = None,
    ) -> Response:
        groups: dict[str, list[Fields]] = defaultdict(list)
        for definition in self.store.schema(crm.system, name).values():
            if crm.is_editable(definition) and not definition.get("archived"):
                label = "gtmops" if crm.is_ours(definition) else crm.group_of(definition)
                groups[label].append(self._input(crm, name, definition, values.get(definition["name"])))
        ordered = sorted(groups.items(), key=lambda g: g[0] != "gtmops")
        return self.render(
            "edit.html",
            title,
            400 if fault else 200,
            **self._frame(crm, request, row),
            object=self._object(crm, name),
            groups=[{"label": label, "fields": fields} for label, fields in ordered],
            back=back,
            fault=fault,
        )

    def _input(self, crm: Crm, name: str, definition: Fields, value: Any) -> Fields:
        kind = definition["type"]
        out: Fields = {
            "name": definition["name"],
            "label": definition["label"],
            "input": "text",
            "value": _typed_in(kind, value),
        }
        choices = crm.choices(name, definition)
        if kind in ("boolean", "bool"):
            choices = [("true", "Yes"), ("false", "No")]
        if choices:
            out["several"] = kind == "multipicklist" or definition.get("fieldType") == "checkbox"
            now = str(out["value"])
            chosen = now.split(";") if out["several"] else [now]
            listed = [("", ""), *choices, *((c, c) for c in chosen if c and c not in dict(choices))]
            out["options"] = [{"value": v, "label": label, "selected": v in chosen} for v, label in listed]
        elif kind == "textarea" or definition.get("fieldType") == "textarea":
            out["input"] = "textarea"
        elif kind == "date":
            out["input"] = "date"
        elif kind == "datetime":
            out |= {"input": "datetime-local", "step": "1", "label": f"{definition['label']} (UTC)"}
        elif kind in ("double", "currency", "percent", "int", "number"):
            out |= {"input": "number", "step": "any"}
        return out

    def _changes(self, crm: Crm, name: str, values: Fields, form: dict[str, str]) -> Fields:
        """What the form changes: a field left as it was shown is not written."""
        out: Fields = {}
        for definition in self.store.schema(crm.system, name).values():
            field = definition["name"]
            if field not in form or not crm.is_editable(definition):
                continue
            entered = form[field].replace("\r\n", "\n").strip(";")
            if entered == str(_typed_in(definition["type"], values.get(field))):
                continue
            if entered and definition["type"] == "datetime":
                entered = _as_utc(entered)
            out[field] = entered or None
        return out

    def act(self, crm: Crm, request: Request, name: str, remote_id: str) -> Response:
        row = self._row(crm, name, remote_id)
        form = request.form
        try:
            after = crm.act(
                row, form.get("act", ""), form.get("other", ""), crm.actor(_acting(crm, request, row))
            )
        except PageFault as refused:
            return self.render("base.html", str(refused), 400, **self._frame(crm, request, row))
        return redirect(f"{crm.href(after)}?done=saved")

    def log(self, crm: Crm, request: Request, name: str, remote_id: str) -> Response:
        row = self._row(crm, name, remote_id)
        form = request.form
        try:
            when = read_instant(_as_utc(form["when"])) if form.get("when") else self.store.clock()
            crm.log(
                row,
                form.get("kind", "call"),
                form.get("subject", ""),
                form.get("notes", ""),
                when,
                crm.actor(_acting(crm, request, row)),
            )
        except (PageFault, ValueError) as refused:
            return self.record(crm, request, name, remote_id, fault=str(refused))
        return redirect(f"{crm.href(row)}?done=logged")

    def live_lead(self, request: Request) -> Response:
        return redirect(f"/hubspot?lead={self.hubspot.make_live_lead().remote_id}")

    def hubspot_link(self, request: Request, portal: str, type_id: str, remote_id: str) -> Response:
        """The form of a record's address in the real HubSpot."""
        kind = next((k for k, meta in HUBSPOT_OBJECTS.items() if meta.id == type_id), None)
        return redirect(f"/hubspot/{kind}/{quote(remote_id)}") if kind else self.not_found(request)

    def salesforce_link(self, request: Request, name: str, remote_id: str) -> Response:
        """The form of a record's address in the real Salesforce."""
        return redirect(f"/salesforce/{quote(name)}/{quote(remote_id)}")

    def _object(self, crm: Crm, name: str) -> Any:
        if name not in crm.pages:
            raise Refused(self.render("base.html", "There is no such page", 404))
        return crm.pages[name]

    def _row(self, crm: Crm, name: str, remote_id: str) -> Stored:
        self._object(crm, name)
        row = self.store.get(crm.system, name, remote_id)
        if row is None:
            raise Refused(self.render("base.html", "There is no such record", 404))
        return row

    # -- mail ----------------------------------------------------------------------------------------------

    def mail_list(self, request: Request) -> Response:
        once = not request.arg("all")
        found = [{**m, "at": moment(m["at"])} for m in mails(self.store, once=once)]
        return self.render("mails.html", "Demo mail", crm=_MAIL, mails=found, once=once)

    def mail(self, request: Request, seq: str) -> Response:
        found = next((m for m in mails(self.store) if str(m["seq"]) == seq), None)
        if found is None:
            return self.not_found(request)
        text = mail_text(self.store, int(seq)) or ""
        return self.render(
            "mail.html",
            found["subject"] or "(no subject)",
            crm=_MAIL,
            mail={**found, "at": moment(found["at"])},
            text=text,
        )


_MAIL = {
    "slug": "mail",
    "name": "Demo mail",
    "path": "/mail",
    "band": "Mails gtmops sent. None of them left this machine.",
}


def _acting(crm: Crm, request: Request, row: Stored | None) -> str:
    """Whom the person chose to be; before that, whoever owns the record."""
    return request.cookies.get(f"acting_{crm.slug}") or (crm.owner_of(row) if row else "")


def _bind(handler: Handler, crm: Crm) -> Handler:
    def bound(request: Request, **parts: str) -> Response:
        return handler(crm, request, **parts)

    return bound


def _own_form(handler: Handler) -> Handler:
    """A form of another site may not write here."""

    def guarded(request: Request, **parts: str) -> Response:
        origin = request.headers.get("Origin")
        if origin and origin != "null" and urlsplit(origin).netloc != request.headers.get("Host"):
            return Response(403, b"This form belongs to another site.", "text/plain")
        return handler(request, **parts)

    return guarded


def _typed_in(kind: str, value: Any) -> str:
    """A stored value as the input shows it."""
    if value is None or value == "":
        return ""
    if kind in ("boolean", "bool"):
        return "true" if value in (True, "true") else "false"
    if kind == "datetime":
        try:
            return f"{read_instant(str(value)):%Y-%m-%dT%H:%M:%S}"
        except ValueError:
            return str(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _as_utc(entered: str) -> str:
    """What a datetime-local input sends, read as UTC; raises ValueError."""
    return datetime.fromisoformat(entered).replace(tzinfo=UTC).isoformat()
