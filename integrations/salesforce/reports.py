"""A folder of reports on our own fields and one dashboard, so that leaders see the results where they look anyway.

One package, put there as a whole; what is not ours is never named in one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from integrations.errors import Misconfigured, Rejected
from integrations.salesforce import names
from integrations.salesforce.deploying import Problem, deploy, document, manifest, packed
from integrations.salesforce.names import OURS
from integrations.salesforce.session import Session
from records.own_fields import OWN_FIELD_BY_NAME

FOLDER = "Gtmops"
DASHBOARD_FOLDER = "Gtmops_Dashboards"
DASHBOARD = "Gtmops_Overview"
TITLE = "gtmops"
LONGEST_TITLE = 40


@dataclass(frozen=True)
class Report:
    """``columns`` and ``filled`` are fields of ours; ``grouped_by`` one of ours or a column of Salesforce's own."""

    name: str
    title: str
    says: str
    remote_object: str
    columns: tuple[str, ...]
    grouped_by: str
    filled: str = ""
    shows_rows: bool = True

    @property
    def fields(self) -> set[str]:
        """Those of ours that must be there."""
        return {n for n in (*self.columns, self.grouped_by, self.filled) if n in OWN_FIELD_BY_NAME}


REPORTS = (
    Report(
        "Gtmops_Leads_by_stage",
        "Leads by stage of the model",
        "How many leads meet which stage's definition.",
        "Lead",
        ("gtm_qualified",),
        "gtm_stage",
        shows_rows=False,
    ),
    Report(
        "Gtmops_Late_leads",
        "Leads with something late",
        "What is late on whom, by whose move it is.",
        "Lead",
        ("gtm_late", "gtm_due", "gtm_handoff_link"),
        "gtm_has_it",
        filled="gtm_late",
    ),
    Report(
        "Gtmops_Leads_lacking",
        "Leads that lack something",
        "What is missing before a lead meets the next stage.",
        "Lead",
        ("gtm_missing",),
        "gtm_stage",
        filled="gtm_missing",
    ),
    Report(
        "Gtmops_Handoff_answers",
        "Handoffs by answer",
        "Accepted and sent back, with the reasons.",
        "Lead",
        ("gtm_handoff_reason", "gtm_handoff_link"),
        "gtm_handoff_answer",
        filled="gtm_handoff_answer",
    ),
    Report(
        "Gtmops_Deals_lacking",
        "Deals that lack something",
        "Exit criteria that are not met, by stage.",
        "Opportunity",
        ("gtm_missing", "gtm_exception"),
        "STAGE_NAME",
        filled="gtm_missing",
    ),
    Report(
        "Gtmops_Late_deals",
        "Deals with something late",
        "What is late on which deal, by whose move it is.",
        "Opportunity",
        ("gtm_late", "gtm_due"),
        "gtm_has_it",
        filled="gtm_late",
    ),
)

_KINDS = {
    "Lead": ("LeadList", "org", "CREATED_DATE", ("FIRST_NAME", "LAST_NAME", "COMPANY", "STATUS", "OWNER")),
    "Opportunity": (
        "Opportunity", "organization", "CLOSE_DATE",
        ("OPPORTUNITY_NAME", "STAGE_NAME", "AMOUNT", "CLOSE_DATE", "FULL_NAME"),
    ),
}  # fmt: skip
"""Of each object: Salesforce's report type, its word for everything, the column of its time frame, usual columns."""


class Reports:
    """Each method may raise what every call to Salesforce may raise."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def check(self, reports: Sequence[Report]) -> list[Problem]:
        """What Salesforce would say; nothing is changed there."""
        return deploy(self._session.call, packed(files_of(reports)), check_only=True)

    def put(self, reports: Sequence[Report]) -> list[Problem]:
        """Make them, or make them as they should be; all of them or, with problems, none. Safe to repeat."""
        return deploy(self._session.call, packed(files_of(reports)), check_only=False)

    def remove(self, reports: Sequence[str]) -> list[str]:
        """Delete the dashboard and these reports, then the folders. Returns what had to stay, in words."""
        members = {
            "Dashboard": [f"{DASHBOARD_FOLDER}/{DASHBOARD}"],
            "Report": [f"{FOLDER}/{name}" for name in reports],
        }
        there = self.names()
        doomed = {
            kind: [name for name in some if name.rpartition("/")[2] in there]
            for kind, some in members.items()
        }
        if any(doomed.values()):
            files = {
                "package.xml": manifest({}),
                "destructiveChanges.xml": manifest({k: v for k, v in doomed.items() if v}),
            }
            problems = deploy(self._session.call, packed(files), check_only=False)
            if problems:
                raise Misconfigured("; ".join(f"{p.name}: {p.text}".removeprefix(": ") for p in problems))
        return self._remove_folders()

    def names(self) -> set[str]:
        """Developer names of what is in our folders, whoever put it there."""
        found: set[str] = set()
        for kind in ("Report", "Dashboard"):
            soql = f"SELECT DeveloperName FROM {kind} WHERE FolderName = '{TITLE}'"  # noqa: S608 (ours)
            found |= {str(row["DeveloperName"]) for row in self._session.rows(soql)}
        return found

    def _remove_folders(self) -> list[str]:
        stayed = []
        soql = (
            f"SELECT Id, DeveloperName FROM Folder WHERE DeveloperName IN ('{FOLDER}', '{DASHBOARD_FOLDER}')"  # noqa: S608 (ours)
        )
        for row in list(self._session.rows(soql)):
            try:
                self._session.delete_row("Folder", str(row["Id"]))
            except (Rejected, Misconfigured) as error:
                stayed.append(f"The folder {row['DeveloperName']} stays: {error}")
        return stayed


def files_of(reports: Sequence[Report]) -> dict[str, str]:
    """The texts of the package by path."""
    files = {
        "package.xml": manifest(
            {
                "Report": [FOLDER, *(f"{FOLDER}/{report.name}" for report in reports)],
                "Dashboard": [DASHBOARD_FOLDER, f"{DASHBOARD_FOLDER}/{DASHBOARD}"],
            }
        ),
        f"reports/{FOLDER}-meta.xml": document("ReportFolder", _shared()),
        f"dashboards/{DASHBOARD_FOLDER}-meta.xml": document("DashboardFolder", _shared()),
        f"dashboards/{DASHBOARD_FOLDER}/{DASHBOARD}.dashboard": document("Dashboard", _dashboard(reports)),
    }
    for report in reports:
        files[f"reports/{FOLDER}/{report.name}.report"] = document("Report", _report(report))
    return files


def fingerprint(reports: Sequence[Report]) -> str:
    """Changes when what we would put there does."""
    joined = "\n".join(f"{path}\n{text}" for path, text in sorted(files_of(reports).items()))
    return hashlib.sha256(joined.encode()).hexdigest()[:32]


def column_of(remote_object: str, name: str) -> str:
    """A report's word for a field of ours; any other name is Salesforce's own already."""
    own = OWN_FIELD_BY_NAME.get(name)
    return f"{remote_object}.{names.own_field_name(own)}" if own else name


def _shared() -> str:
    """Everyone inside may look; nobody but admins may change."""
    share = (
        "<accessLevel>View</accessLevel><sharedTo>AllInternalUsers</sharedTo>"
        "<sharedToType>Organization</sharedToType>"
    )
    return f"<folderShares>{share}</folderShares><name>{TITLE}</name>"


def _report(report: Report) -> str:
    kind, scope, time_column, usual = _KINDS[report.remote_object]
    grouped = column_of(report.remote_object, report.grouped_by)
    columns = [*usual, *(column_of(report.remote_object, name) for name in report.columns)]
    parts = [
        *(f"<columns><field>{column}</field></columns>" for column in columns if column != grouped),
        f"<description>{escape(f'{OURS} {report.says}')}</description>",
    ]
    if report.filled:
        column = column_of(report.remote_object, report.filled)
        criterion = f"<column>{column}</column><operator>notEqual</operator><value></value>"
        parts.append(f"<filter><criteriaItems>{criterion}</criteriaItems></filter>")
    parts += [
        "<format>Summary</format>",
        f"<groupingsDown><dateGranularity>Day</dateGranularity><field>{grouped}</field>",
        "<sortOrder>Asc</sortOrder></groupingsDown>",
        f"<name>{escape(report.title)}</name>",
        f"<reportType>{kind}</reportType>",
        f"<scope>{scope}</scope>",
        f"<showDetails>{str(report.shows_rows).lower()}</showDetails>",
        f"<timeFrameFilter><dateColumn>{time_column}</dateColumn><interval>INTERVAL_CUSTOM</interval></timeFrameFilter>",
    ]
    return "".join(parts)


def _dashboard(reports: Sequence[Report]) -> str:
    """Three columns of charts; each viewer sees with their own rights."""
    sections: dict[str, list[str]] = {"leftSection": [], "middleSection": [], "rightSection": []}
    for n, report in enumerate(reports):
        sections[list(sections)[n % 3]].append(_component(report))
    shown = "".join(
        f"<{name}><columnSize>Medium</columnSize>{''.join(inside)}</{name}>"
        for name, inside in sections.items()
    )
    return (
        "<backgroundEndColor>#FFFFFF</backgroundEndColor><backgroundFadeDirection>Diagonal</backgroundFadeDirection>"
        "<backgroundStartColor>#FFFFFF</backgroundStartColor><dashboardType>LoggedInUser</dashboardType>"
        f"<description>{OURS}</description>{shown}<textColor>#000000</textColor><title>{TITLE}</title>"
        "<titleColor>#000000</titleColor><titleSize>12</titleSize>"
    )


def _component(report: Report) -> str:
    return (
        "<components><autoselectColumnsFromReport>true</autoselectColumnsFromReport>"
        "<chartAxisRange>Auto</chartAxisRange><componentType>Bar</componentType><displayUnits>Auto</displayUnits>"
        "<drillEnabled>false</drillEnabled><drillToDetailEnabled>false</drillToDetailEnabled>"
        "<enableHover>false</enableHover><expandOthers>false</expandOthers>"
        f"<legendPosition>Bottom</legendPosition><report>{FOLDER}/{report.name}</report>"
        "<showPercentage>false</showPercentage><showValues>true</showValues>"
        f"<sortBy>RowLabelAscending</sortBy><title>{escape(report.title)}</title><useReportChart>false</useReportChart>"
        "</components>"
    )
