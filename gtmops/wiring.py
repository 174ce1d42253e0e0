"""The only place where upper rooms register with lower ones."""

from __future__ import annotations

from django.conf import settings

import definitions.agreement.watching
import definitions.currencies
import definitions.desired
import definitions.evidence.exceptions
import definitions.judging.publishing
import definitions.judging.rechecks
import definitions.judging.related_reads
import definitions.lint.services
import definitions.moves.guard
import definitions.own_sections
import definitions.signals.storing
import definitions.triggers.desired
import definitions.triggers.kinds
import definitions.triggers.sections
import handoffs.desired
import handoffs.kinds
import handoffs.sections
import integrations.activities
import integrations.comparison
import integrations.csv.running
import integrations.enforcement.drift
import integrations.failing
import integrations.forgetting
import integrations.loads
import integrations.progress
import integrations.pull
import integrations.push
import integrations.refresh
import integrations.slack.channels
import integrations.webhooks
import integrations.writing.pilot
import integrations.writing.uninstall
import records.matching.matching
import scorecards.record_list
import slas.absences.feeds
import slas.appeals.kinds
import slas.desired
import slas.due
import slas.editor.watching
import slas.escalation
import slas.kinds
import slas.looks
import slas.opening
import slas.sections
import slas.services
import slas.sources
import slas.start_questions
from definitions.sections import register_sections
from effects import outbox
from effects.channels import email, inbox
from effects.leavers import tell_revops
from effects.receivers import register_hours
from effects.registry import register_channel
from effects.tick import TickSource, register_tick_source
from gtmops import demo, pipeline, run_notes
from records.asked import register_stage_guard
from records.dependents import register_reader
from records.desired import register_declaration
from records.kinds import RECORD_KINDS, register_kinds
from records.services import register_after_store
from teams.demo import DemoSignIn, register_demo_sign_ins
from teams.leavers import register_leaver_listener

SOURCES = (
    TickSource("clocks", slas.due.due_clocks, slas.due.next_due),
    TickSource("escalations", slas.escalation.due_steps, slas.escalation.next_due),
    TickSource("planned", slas.looks.look_again, slas.looks.next_look),
    TickSource("absences", slas.services.notice_absences, slas.services.next_absence),
    TickSource("absence feeds", slas.absences.feeds.read_due, slas.absences.feeds.next_read),
    TickSource("webhooks", integrations.webhooks.serve_webhooks, integrations.webhooks.next_due),
    TickSource("refresh", integrations.refresh.serve_refresh_requests, integrations.refresh.next_due),
    TickSource("pipeline", pipeline.process, pipeline.next_due),
    TickSource(
        "judgements", definitions.judging.rechecks.recheck_due, definitions.judging.rechecks.next_recheck
    ),
    TickSource(
        "model", definitions.judging.publishing.publish_due, definitions.judging.publishing.next_publish
    ),
    TickSource(
        "watch", definitions.agreement.watching.compare_due, definitions.agreement.watching.next_compare
    ),
    TickSource("watched rules", slas.editor.watching.tell_over, slas.editor.watching.next_over),
    TickSource("signals", definitions.signals.storing.tend, definitions.signals.storing.next_due),
    TickSource("model check", definitions.lint.services.check_due, definitions.lint.services.next_check),
    TickSource("start questions", slas.start_questions.tell_questions, slas.start_questions.next_question),
    TickSource("outbox", outbox.deliver_due, outbox.next_due),
    TickSource("push", integrations.push.push_due, integrations.push.next_due),
    TickSource(
        "uninstall", integrations.writing.uninstall.uninstall_due, integrations.writing.uninstall.next_due
    ),
    TickSource("forgetting", integrations.forgetting.forget_due, integrations.forgetting.next_due),
    TickSource("pull", integrations.pull.pull_due, integrations.pull.next_due),
    TickSource("compare", integrations.comparison.compare_due, integrations.comparison.next_due),
    TickSource("imports", integrations.csv.running.serve_imports, integrations.csv.running.next_due),
    TickSource("rules", integrations.enforcement.drift.look_due, integrations.enforcement.drift.next_due),
)


def connect() -> None:
    """Called once, when all rooms are loaded."""
    register_channel("inbox", inbox.deliver)
    register_channel("email", email.deliver)
    register_channel("slack", integrations.slack.channels.deliver_to_person)
    register_channel("slack_channel", integrations.slack.channels.deliver_to_channel)
    register_channel("crm_task", integrations.activities.deliver_task, integrations.activities.why_no_task)
    register_channel("crm_touch", integrations.activities.deliver_touch, integrations.activities.why_no_touch)
    register_hours(slas.opening.load_hours)
    register_leaver_listener(tell_revops)
    register_kinds(
        (
            *RECORD_KINDS,
            *definitions.evidence.exceptions.KINDS,
            *definitions.triggers.kinds.KINDS,
            *slas.kinds.KINDS,
            *slas.appeals.kinds.KINDS,
            *handoffs.kinds.KINDS,
        )
    )
    register_sections(
        (
            *definitions.own_sections.SECTIONS,
            *definitions.currencies.SECTIONS,
            *definitions.triggers.sections.SECTIONS,
            *slas.sections.SECTIONS,
            *handoffs.sections.SECTIONS,
        )
    )
    for room in (definitions.desired, definitions.triggers.desired, slas.desired, handoffs.desired):
        register_declaration(room.DECLARATION)
    slas.sources.register_failing_since(integrations.failing.activities_failing_since)
    register_reader(definitions.judging.related_reads.relations_read)
    register_stage_guard(definitions.moves.guard.stage_guard)
    integrations.writing.pilot.register_list_reader(scorecards.record_list.find_by_address)
    register_after_store("signals", definitions.signals.storing.match_waiting, objects=("person", "account"))
    register_after_store("matching", records.matching.matching.note_accounts, objects=("account",))
    integrations.loads.register_load_listener("start questions", slas.start_questions.ask_of_load)
    integrations.progress.register_run_notes("start questions", run_notes.start_questions)
    for source in SOURCES:
        register_tick_source(source)
    if settings.DEMO:
        register_demo_sign_ins(DemoSignIn(role, address) for role, address in demo.sign_ins())
