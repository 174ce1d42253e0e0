"""What pages say for the words of the code: the one place where a code word meets its reader.

Keys are "<group>.<code>". A group is one idea of the code (judgement, clock, handoff, holder, …), so that the same
code may read differently in two ideas. Pages and tests ask `word()`; nothing else spells these out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

WORDS: Final[dict[str, str]] = {
    # A check: one criterion or field, judged for one record.
    "judgement": "Check",
    "judgement.met": "Passed",
    "judgement.on_paper": "May be filler",
    "judgement.missing": "Missing",
    "judgement.waived": "Exception granted",
    "judgement.unknown": "Can't tell",
    # A clock and its end.
    "clock": "Due in",
    "clock.running": "Running",
    "clock.waiting": "No due time yet",
    "clock.paused": "Paused",
    "clock.due": "Due now, checking",
    "clock.met": "In time",
    "clock.met_late": "Late",
    "clock.breached": "Late",
    "clock.breached_not_verified": "Late, not verified",
    "clock.withdrawn": "In time after all",
    "clock.cancelled": "No longer needed",
    "clock.seen_late": "Seen late",
    "clock.unknown": "Can't tell",
    "breach": "Late",
    # Who had it.
    "ball_in_court": "Who had it",
    "holder.system": "Nobody yet",
    "holder.sender": "Sender",
    "holder.receiver": "Receiver",
    "holder.customer": "Customer",
    "holder.closed": "Closed hours",
    "holder.nobody": "Nobody: it is done",
    # Why it was late, and whose time most of it was.
    "late_reason.no_owner": "Nobody owned it",
    "late_reason.away": "Its owner was away",
    "late_reason.not_worked": "It had an owner, and was not worked",
    "late_reason.other_side": "The other team still had it",
    "late_reason.on_customer": "It waited for the customer",
    "late_reason.unreadable": "The CRM could not be read",
    "late_party.system": "Nobody or a queue",
    "late_party.sender": "The sending team",
    "late_party.receiver": "The receiving team",
    "late_party.customer": "The customer",
    "late_party.closed": "Closed hours",
    "misrouted.wrong_team": "First given to another team",
    "misrouted.wrong_unit": "First given to another business unit",
    "misrouted.wrong_region": "First given to another region",
    "misrouted.moved": "Changed hands more than twice before the first touch",
    # A handoff.
    "handoff.open": "To be sent",
    "handoff.sent": "Waiting for an answer",
    "handoff.seen": "Opened, no answer yet",
    "handoff.asked": "Question asked",
    "handoff.accepted": "Accepted",
    "handoff.sent_back": "Sent back",
    "handoff.completed": "Done",
    "handoff.cancelled": "No longer needed",
    # The CRMs.
    "pull": "Read from CRM",
    "push": "Send to CRM",
    "desired_field": "What we write",
    "provisioning": "Fields we will create",
    "parity": "Differences from your CRM",
    "standin.salesforce": "Demo Salesforce",
    "standin.hubspot": "Demo HubSpot",
    "connection.salesforce": "Salesforce",
    "connection.hubspot": "HubSpot",
    "connection.csv": "CSV file",
    "connection.gtmops": "gtmops",
    "mode.overwrite": "Always",
    "mode.when_empty": "Only when empty",
    "mode.read_only": "Reading only",
    "connection_state.active": "Connected",
    "connection_state.paused": "Paused",
    "connection_state.broken": "Needs to be reconnected",
    "desired_state.in_sync": "The same in both",
    "desired_state.different": "To be sent",
    "desired_state.sent": "Sent, not read back yet",
    "desired_state.refused": "Refused by the CRM",
    "desired_state.dropped": "Let go",
    "write_outcome.written": "Written",
    "write_outcome.stood": "Stood there already",
    "write_outcome.refused": "Refused",
    "write_outcome.kept": "Taken, but not kept",
    "write_outcome.retry": "To be sent again",
    "write_outcome.gone": "No longer there",
    "asked_state.waiting": "Waiting to be sent",
    "asked_state.done": "The CRM has it",
    "asked_state.refused": "Not made",
    # A run.
    "run_kind.pull": "Read from CRM",
    "run_kind.push": "Send to CRM",
    "run_kind.provision": "Create our fields",
    "run_kind.import": "Read a file",
    "run_kind.recalculate": "Recalculate from history",
    "run_kind.enforce": "Rules in the CRM",
    "run_kind.uninstall": "Uninstall",
    "run_kind.history": "Read the history",
    "run_kind.compare": "Compare with the CRM",
    # A file on its way in.
    "import_state.draft": "Draft",
    "import_state.checking": "Being read",
    "import_state.checked": "Ready to be taken in",
    "import_state.running": "Being taken in",
    "import_state.done": "Taken in",
    "import_state.failed": "Stopped by a fault",
    "import_state.cancelled": "Stopped by hand",
    # How an object of a CRM is read.
    "reading.paused": "Paused",
    "reading.failing": "Can't be read now",
    "reading.reading": "Being read",
    "reading.history": "History is being read",
    "reading.loading": "First reading",
    "reading.waiting_load": "Waits for its first reading",
    "reading.waiting": "Read",
    "comparison.listing": "Reading their list",
    "comparison.repairing": "Putting right what differs",
    "comparison.done": "Compared",
    "comparison.held": "Waits for you",
    "difference.missing_here": "Missing here",
    "difference.missing_there": "Gone there",
    "difference.stale": "Older here",
    "difference_outcome.open": "To be read again",
    "difference_outcome.repaired": "Read again",
    "difference_outcome.gone": "Deleted here too",
    "difference_outcome.none": "Nothing differed",
    # A stage's exit criteria inside a CRM.
    "rule_state.not_enforced": "Not enforced",
    "rule_state.planned": "Checked, not created",
    "rule_state.problem": "The CRM would not take it",
    "rule_state.inactive": "Created, inactive",
    "rule_state.active": "Active: refuses saves",
    "rule_state.changed": "Changed in the CRM",
    "rule_state.out_of_date": "Out of date: plan again",
    "rule_state.unfinished": "Not finished",
    "rule_state.given_up": "Theirs was accepted",
    "rule_state.by_hand": "By hand in the CRM",
    "rule_state.cannot": "Can't be enforced there",
    "rule_drift.edited": "Somebody changed it",
    "rule_drift.switched_off": "Somebody switched it off",
    "rule_drift.switched_on": "Somebody switched it on",
    "rule_drift.deleted": "Somebody deleted it",
    "made.permission": "Custom permission",
    "made.permission_set": "Permission set",
    "made.access": "Permission in its set",
    "made.assignment": "Assignment to our user",
    "made.rule": "Validation rule",
    "made.own_field": "Field of ours",
    "made_state.creating": "Not finished",
    "made_state.removing": "Being removed",
    "made_state.created": "There",
    "made_state.written": "There, written",
    "made_state.inactive": "Inactive",
    "made_state.active": "Active",
    "made_state.given_up": "Theirs was accepted",
    "made_state.edited": "Somebody changed it",
    "made_state.switched_off": "Somebody switched it off",
    "made_state.switched_on": "Somebody switched it on",
    "made_state.deleted": "Somebody deleted it",
    "run.running": "Running",
    "run.done": "Done",
    "run.failed": "Stopped by an error",
    # The model.
    "fold": "Recalculate from history",
    "rebuild": "Recalculate from history",
    "journey": "Buyer history",
    "ledger": "History",
    "number_receipt": "Where does this number come from?",
    "clock_receipt": "Why is this late?",
    "appeal": "This is not on me",
    "waiver": "Exception",
    "two_keys": "Agreed by Marketing and Sales",
    "backtest": "Try on last quarter",
    "shadow_mode": "Watch only",
    "dry_run": "Preview",
    "alignment_check": "Where do we disagree?",
    "dispute": "I disagree",
    "disputes": "Open disagreements",
    "loop": "Feedback that changed something",
    "promise_ledger": "What we promised",
    "criterion": "Condition",
    "leaf": "Condition",
    "gtm_map": "Map",
    "pack": "Meeting page",
    # A version of a definition or rule.
    "version.draft": "Draft",
    "version.proposed": "Waiting for agreement",
    "version.signed": "Agreed",
    "version.retired": "No longer in force",
    # Roles of people.
    "role.rep": "Rep",
    "role.manager": "Manager",
    "role.leader": "Leader",
    "role.revops_admin": "RevOps admin",
    "role.system_admin": "System admin",
    # Severity and effort.
    "severity.late": "Late",
    "severity.soon": "Due soon",
    "severity.ok": "In time",
    "effort.weeks": "weeks",
    "effort.quarter": "a quarter",
}

#: The one sentence behind a check's word, shown where there is room for it.
EXPLANATIONS: Final[dict[str, str]] = {
    "judgement.on_paper": "There is a value, but it looks like one written to get past the field.",
    "judgement.waived": "Someone who may do so granted an exception.",
    "judgement.unknown": "The field is not connected, so nothing counts for or against.",
    "clock.due": "The time is up; we are reading the CRM once more before calling it late.",
    "clock.breached_not_verified": "The CRM could not be read, so a touch in time may still turn up.",
    "clock.withdrawn": "Proof arrived later that it was done in time.",
    "clock.seen_late": "gtmops heard of the start only after the due time; nobody is charged with it.",
}


class UnknownWord(KeyError):
    """A page asked for a word that this file does not have."""

    def __str__(self) -> str:
        return f"{self.args[0]!r} has no word for pages; add it to gtmops/words.py"


@dataclass(frozen=True, slots=True)
class Look:
    """How a state shows itself: word, Bootstrap icon name and severity (ok, soon, late, info, neutral)."""

    word: str
    icon: str
    severity: str


def word(code: str) -> str:
    """What a page says for `code`, such as "judgement.met". Raises UnknownWord."""
    if code not in WORDS:
        raise UnknownWord(code)
    return WORDS[code]


def explanation(code: str) -> str:
    """The sentence behind the word, or "" where the word says it all."""
    return EXPLANATIONS.get(code, "")


_JUDGEMENT_LOOKS: Final[dict[str, tuple[str, str]]] = {
    "met": ("check-circle-fill", "ok"),
    "on_paper": ("exclamation-circle-fill", "soon"),
    "missing": ("x-circle-fill", "late"),
    "waived": ("patch-check-fill", "info"),
    "unknown": ("question-circle", "neutral"),
}

_CLOCK_LOOKS: Final[dict[str, tuple[str, str]]] = {
    "running": ("clock", "ok"),
    "waiting": ("clock", "neutral"),
    "paused": ("pause-circle-fill", "neutral"),
    "due": ("arrow-repeat", "soon"),
    "met": ("check-circle-fill", "ok"),
    "met_late": ("exclamation-triangle-fill", "late"),
    "breached": ("exclamation-triangle-fill", "late"),
    "breached_not_verified": ("question-circle-fill", "late"),
    "withdrawn": ("check-circle", "ok"),
    "cancelled": ("slash-circle", "neutral"),
    "seen_late": ("eye", "neutral"),
    "unknown": ("question-circle", "neutral"),
}


def judgement_look(code: str) -> Look:
    """Word, icon and severity of a judgement. Raises UnknownWord."""
    text = word(f"judgement.{code}")
    icon, severity = _JUDGEMENT_LOOKS[code]
    return Look(text, icon, severity)


def clock_look(code: str) -> Look:
    """Word, icon and severity of a clock state. Raises UnknownWord."""
    text = word(f"clock.{code}")
    icon, severity = _CLOCK_LOOKS[code]
    return Look(text, icon, severity)


_HANDOFF_LOOKS: Final[dict[str, tuple[str, str]]] = {
    "open": ("pencil", "info"),
    "sent": ("send", "info"),
    "seen": ("eye", "info"),
    "asked": ("chat-left-dots-fill", "soon"),
    "accepted": ("check-circle", "ok"),
    "sent_back": ("reply-fill", "soon"),
    "completed": ("check-circle-fill", "ok"),
    "cancelled": ("slash-circle", "neutral"),
}


def handoff_look(code: str) -> Look:
    """Word, icon and severity of a handoff's state. Raises UnknownWord."""
    text = word(f"handoff.{code}")
    icon, severity = _HANDOFF_LOOKS[code]
    return Look(text, icon, severity)
