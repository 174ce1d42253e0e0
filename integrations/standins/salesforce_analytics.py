"""Reports, dashboards and their folders in a package of the Metadata API: what Salesforce says, and what is kept."""

from __future__ import annotations

import zipfile
from typing import Any
from xml.etree import ElementTree

from integrations.standins.salesforce_rules import API_ACTOR, SYSTEM, new_id
from integrations.standins.store import Fields, Store, Stored

_NS = "{http://soap.sforce.com/2006/04/metadata}"
_KINDS = {"reports": "Report", "dashboards": "Dashboard"}
LONGEST_NAME = 40
_LEAD_COLUMNS = "FIRST_NAME LAST_NAME COMPANY STATUS OWNER CREATED_DATE EMAIL LEAD_SOURCE RATING TITLE"
_DEAL_COLUMNS = "OPPORTUNITY_NAME STAGE_NAME AMOUNT CLOSE_DATE FULL_NAME ACCOUNT_NAME PROBABILITY TYPE"
REPORT_TYPES = {
    "LeadList": ("Lead", set(_LEAD_COLUMNS.split())),
    "Opportunity": ("Opportunity", set(_DEAL_COLUMNS.split())),
}
"""Report type to (object, its standard columns)."""
COMPONENTS = {"Bar", "Column", "Donut", "Funnel", "Line", "Metric", "Pie", "Table"}


class Analytics:
    """The part of one package that is about reports."""

    def __init__(self, store: Store, package: zipfile.ZipFile) -> None:
        self.store = store
        self._texts = {n: package.read(n) for n in package.namelist() if not n.endswith("/")}
        self._files = [n for n in self._texts if n.split("/")[0] in _KINDS]
        self.count = len(self._files)

    def failures(self) -> list[Fields]:
        """What Salesforce has against each component, in its form."""
        found: list[Fields] = []
        members = self._members("package.xml")
        for path in self._files:
            kind, full_name = _named(path)
            try:
                tree = ElementTree.fromstring(self._texts[path])  # noqa: S314  # a client on this machine sends it
            except ElementTree.ParseError as error:
                found.append(_failure(kind, full_name, path, f"Error parsing file: {error}"))
                continue
            if full_name not in members.get(kind, ()):
                found.append(
                    _failure(
                        kind,
                        full_name,
                        path,
                        "An object of this type was found in the zip file, but not in package.xml",
                    )
                )
                continue
            found += [_failure(kind, full_name, path, text) for text in self._faults(path, full_name, tree)]
        for kind, names in members.items():
            there = {_named(path)[1] for path in self._files if _named(path)[0] == kind}
            if kind in _KINDS.values():
                missing = [n for n in names if n not in there]
                found += [
                    _failure(kind, n, "package.xml", f"Entity named '{n}' was not found in zipped directory")
                    for n in missing
                ]
        return found

    def put(self) -> None:
        """Keep what is in the package, and delete what it says is to go."""
        with self.store.transaction():
            for kind, names in self._members("destructiveChanges.xml").items():
                for full_name in names:
                    row = self._row(kind, full_name.rpartition("/")[2])
                    if row is not None:
                        self.store.set_deleted(row, True, API_ACTOR)
            for path in sorted(self._files, key=lambda p: (not p.endswith("-meta.xml"), p)):
                self._keep(path)

    # -- inside --------------------------------------------------------------------------------------------

    def _faults(self, path: str, full_name: str, tree: ElementTree.Element) -> list[str]:
        if path.endswith("-meta.xml"):
            return [] if _text(tree, "name") else ["Required field is missing: name"]
        place, _, _ = full_name.partition("/")
        folder = f"{path.split('/', maxsplit=1)[0]}/{place}-meta.xml"
        out = []
        if folder not in self._texts and self._row("Folder", place) is None:
            out.append(f"Cannot find folder:{place}")
        return out + (
            self._report_faults(tree) if path.startswith("reports/") else self._dashboard_faults(tree)
        )

    def _report_faults(self, tree: ElementTree.Element) -> list[str]:
        out = [
            f"Required field is missing: {n}" for n in ("name", "reportType", "format") if not _text(tree, n)
        ]
        if len(_text(tree, "name")) > LONGEST_NAME:
            out.append(f"Value too long for field: Name maximum length is:{LONGEST_NAME}")
        known = REPORT_TYPES.get(_text(tree, "reportType"))
        if known is None:
            return [*out, f"reportType: Invalid value specified: {_text(tree, 'reportType')}"]
        object_name, standard = known
        columns = [_text(c, "field") for c in tree.iter(f"{_NS}columns")]
        grouped = [_text(g, "field") for g in tree.iter(f"{_NS}groupingsDown")]
        if _text(tree, "format") == "Summary" and not grouped:
            out.append("A summary report needs at least one grouping")
        out += [f"groupingsDown-field: {g} is also a column" for g in grouped if g in columns]
        schema = self.store.schema(SYSTEM, object_name)
        criteria = [_text(c, "column") for c in tree.iter(f"{_NS}criteriaItems")]
        for where, names in (
            ("columns-field", columns),
            ("groupingsDown-field", grouped),
            ("filter-criteriaItems-column", criteria),
        ):
            for name in names:
                of, _, field = name.partition(".")
                definition = schema.get(field) if of == object_name else None
                if name not in standard and definition is None:
                    out.append(f"{where}: Invalid value specified: {name}")
                elif where != "columns-field" and definition and definition.get("length", 0) > 255:
                    out.append(f"{where}: {name} is a long text area")
        return out

    def _dashboard_faults(self, tree: ElementTree.Element) -> list[str]:
        out = [f"Required field is missing: {n}" for n in ("title", "dashboardType") if not _text(tree, n)]
        if _text(tree, "dashboardType") == "SpecifiedUser" and not _text(tree, "runningUser"):
            out.append("Running user is required")
        for component in tree.iter(f"{_NS}components"):
            report = _text(component, "report")
            if (
                f"reports/{report}.report" not in self._texts
                and self._row("Report", report.rpartition("/")[2]) is None
            ):
                out.append(f"In field: report - no Report named {report} found")
            if _text(component, "componentType") not in COMPONENTS:
                out.append(f"componentType: Invalid value specified: {_text(component, 'componentType')}")
        return out

    def _keep(self, path: str) -> None:
        tree = ElementTree.fromstring(self._texts[path])  # noqa: S314  # as above
        part, _, rest = path.partition("/")
        if path.endswith("-meta.xml"):
            name = rest.removesuffix("-meta.xml")
            self._write("Folder", name, {"Name": _text(tree, "name"), "Type": _KINDS[part]})
            return
        place, _, file_name = rest.partition("/")
        name = file_name.partition(".")[0]
        folder = self._row("Folder", place)
        fields: Fields = {
            "FolderName": folder.fields.get("Name") if folder else place,
            "OwnerId": folder.remote_id if folder else None,
            "Description": _text(tree, "description"),
        }
        if part == "reports":
            fields |= {
                "Name": _text(tree, "name"), "Format": _text(tree, "format"), "ReportType": _text(tree, "reportType"),
                "Columns": ", ".join(_text(c, "field") for c in tree.iter(f"{_NS}columns")),
                "GroupedBy": ", ".join(_text(g, "field") for g in tree.iter(f"{_NS}groupingsDown")),
                "Filters": ", ".join(
                    f"{_text(c, 'column')} {_text(c, 'operator')} {_text(c, 'value') or 'empty'}"
                    for c in tree.iter(f"{_NS}criteriaItems")
                ),
            }  # fmt: skip
        else:
            fields |= {
                "Title": _text(tree, "title"), "Name": _text(tree, "title"), "Type": _text(tree, "dashboardType"),
                "Components": ", ".join(_text(c, "report") for c in tree.iter(f"{_NS}components")),
            }  # fmt: skip
        self._write(_KINDS[part], name, fields)

    def _write(self, kind: str, name: str, fields: Fields) -> None:
        fields |= {"DeveloperName": name, "LastModifiedById": API_ACTOR.by}
        row = self._row(kind, name)
        if row is not None:
            self.store.update(row, fields, API_ACTOR, asked=fields)
            return
        fields["CreatedById"] = API_ACTOR.by
        self.store.create(SYSTEM, kind, new_id(self.store, kind), fields, API_ACTOR)

    def _row(self, kind: str, name: str) -> Stored | None:
        rows = self.store.all_of(SYSTEM, kind, "json_extract(fields, '$.DeveloperName') = ?", [name])
        return rows[0] if rows else None

    def _members(self, path: str) -> dict[str, list[str]]:
        if path not in self._texts:
            return {}
        tree = ElementTree.fromstring(self._texts[path])  # noqa: S314  # as above
        return {
            _text(kind, "name"): [m.text or "" for m in kind.iter(f"{_NS}members")]
            for kind in tree.iter(f"{_NS}types")
        }


def _named(path: str) -> tuple[str, str]:
    """(type, full name) of a file; a folder is a member of the type it holds."""
    part, _, rest = path.partition("/")
    name = rest.removesuffix("-meta.xml") if rest.endswith("-meta.xml") else rest.rpartition(".")[0]
    return _KINDS[part], name


def _text(element: ElementTree.Element, name: str) -> str:
    return (element.findtext(f"{_NS}{name}") or "").strip()


def _failure(kind: str, full_name: str, path: str, problem: str) -> dict[str, Any]:
    return {
        "componentType": kind, "fullName": full_name, "fileName": path, "problem": problem, "problemType": "Error",
        "success": False,
    }  # fmt: skip
