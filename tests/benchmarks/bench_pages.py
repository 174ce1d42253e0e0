"""Pages over a large base: server time and queries of each, with the demo's model and people in front of as many
buyers and clocks as are wanted."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime

from tests.benchmarks.database import start_database
from tests.benchmarks.measure import OPTIONS, Result, WrongAnswerError

RECORDS = 1_000_000
ROUNDS = 20
GOAL_SECONDS = 0.150
MOST_QUERIES = 15
LEADER = "corinne.valderoy@fernhill.example"
ADMIN = "ines.kalderon@fernhill.example"
REP = "dana.okwell@fernhill.example"
MANAGER = "marisol.tannehurst@fernhill.example"
BY = ("rule", "team", "owner", "lead_origin", "region", "week")

PAGES = (
    ("records", LEADER, "/records/"),
    ("records, narrowed", LEADER, "/records/?q=person+77"),
    ("records, by stage and team", LEADER, "/records/?stage=mql&definition=mql&state=met&owner=reports"),
    ("records, file", LEADER, "/records/export/?stage=mql"),
    ("a record", LEADER, "/records/{record}/"),
    ("a record's log", LEADER, "/records/{record}/?events=all"),
    ("search", LEADER, "/search/?q=person+77"),
    ("clocks", LEADER, "/clocks/"),
    ("clocks, narrowed", LEADER, "/clocks/?state=late&q=person+77"),
    ("clocks, file", LEADER, "/clocks/export/"),
    ("a clock's receipt", LEADER, "/clocks/{clock}/"),
    ("a running clock's receipt", MANAGER, "/clocks/{running}/"),
    ("not on me", MANAGER, "/clocks/{clock}/not-on-me/"),
    ("appeals", MANAGER, "/appeals/"),
    ("appeals, granted", LEADER, "/appeals/?show=granted"),
    ("scorecard", LEADER, "/scorecard/"),
    ("a number", LEADER, "/numbers/in_time/"),
    ("map", LEADER, "/map/"),
    ("team board", MANAGER, "/clocks/board/?team=sdr"),
    ("team board, file", MANAGER, "/clocks/boards/board/export/?team=sdr"),
    ("late", LEADER, "/clocks/late/"),
    ("late, narrowed", LEADER, "/clocks/late/?reason=not_worked&region=NA&period=quarter"),
    ("late, file", LEADER, "/clocks/boards/late/export/"),
    *((f"in time by {by}", LEADER, f"/clocks/in-time/?by={by}") for by in BY),
    ("in time, file", LEADER, "/clocks/boards/attainment/export/?by=owner"),
    ("first touch", LEADER, "/clocks/first-touch/"),
    ("first touch, file", LEADER, "/clocks/boards/first_touch/export/"),
    ("speed pays", LEADER, "/clocks/speed/"),
    ("speed pays, file", LEADER, "/clocks/boards/speed/export/"),
    ("black hole", LEADER, "/clocks/black-hole/"),
    ("black hole, file", LEADER, "/clocks/boards/black_hole/export/"),
    ("misrouted", LEADER, "/clocks/misrouted/"),
    ("misrouted, file", LEADER, "/clocks/boards/misrouted/export/"),
    ("unowned", LEADER, "/clocks/unowned/"),
    ("unowned, file", LEADER, "/clocks/boards/unowned/export/"),
    ("my day", REP, "/"),
    ("a manager's day", MANAGER, "/"),
    ("handoffs", LEADER, "/handoffs/"),
    ("inbox", REP, "/inbox/"),
    ("not delivered", ADMIN, "/inbox/undelivered/"),
    ("how I am told", REP, "/profile/notifications/"),
    ("absences", MANAGER, "/people/absences/"),
    ("people", LEADER, "/people/"),
    ("working hours", ADMIN, "/hours/{hours}/edit/"),
    ("a rule", ADMIN, "/clocks/rules/s2_first_touch/edit/"),
    ("start questions", ADMIN, "/clocks/questions/"),
    ("model", ADMIN, "/model/"),
    ("checks of the model", ADMIN, "/model/checks/"),
)

BUYERS = """
INSERT INTO records_journey (id, key, title)
SELECT md5('b' || n)::uuid, 'bench:' || n, 'Person ' || n FROM generate_series(1, %(n)s) n;
INSERT INTO records_record (id, journey_id, connection_id, object, remote_object, remote_id, title, values, fingerprint,
    seen_at, owner_id)
SELECT md5('b' || n)::uuid, md5('b' || n)::uuid, %(crm)s, 'person', 'contacts', 'b' || n, 'Person ' || n,
    jsonb_build_object(
        'email', 'p' || n || '@tarnbrook.example', 'company', 'Company ' || n %% 5000,
        'region', (ARRAY['NA', 'EMEA', 'APAC'])[1 + n %% 3],
        'lead_origin', (ARRAY['demo_request', 'webinar', 'content', 'outbound', 'partner'])[1 + n %% 5],
        'fleet_size', abs(hashint4(n)) %% 200
    ), '', now(), CASE WHEN n %% 50 > 0 THEN (%(people)s::bigint[])[1 + n %% cardinality(%(people)s::bigint[])] END
FROM generate_series(1, %(n)s) n;
INSERT INTO records_event (id, connection_id, record_id, kind, field, occurred_at, observed_at, external_key, data,
    caused_by)
OVERRIDING SYSTEM VALUE
SELECT 1000000000 + n, %(crm)s, md5('b' || n)::uuid, 'change', 'stage', began_at, began_at, 'bench:' || n, '{}', ''
FROM (SELECT n, {began} AS began_at FROM generate_series(1, %(n)s) n) told;
INSERT INTO definitions_stageentry (id, journey_id, record_id, stage, pass_number, event_id, occurred_at, is_exact,
    snapshot, judgement, variant, exclusion, missing, arrival{more})
SELECT md5('e' || n)::uuid, md5('b' || n)::uuid, md5('b' || n)::uuid, 'mql', 1, 1000000000 + n, {began}, true, '{}',
    'met', '', '', '[]', 'forward'{blank}
FROM generate_series(1, %(n)s) n;
INSERT INTO definitions_judgement (record_id, section, key, version_id, state, variant, exclusion, paper)
SELECT md5('b' || n)::uuid, 'definitions', 'mql', %(mql)s,
    (ARRAY['met', 'missing', 'missing', 'unknown'])[1 + n %% 4], '', '', '[]'
FROM generate_series(1, %(n)s) n;
"""
BEGAN = "%(now)s::timestamptz - interval '1 minute' * (1 + abs(hashint4(n)::bigint) %% 525600)"

CLOCKS = """
INSERT INTO slas_clock (id, rule_key, rule_id, calendar_id, journey_id, record_id, start_event_id, started_at, due_at,
    state, stopped_at, breached_at, is_measured_only, has_it, owner_id, team_id, segments, receipt)
SELECT md5('c' || n)::uuid, 's2_first_touch', %(rule)s, %(calendar)s, md5('b' || n)::uuid, md5('b' || n)::uuid,
    1000000000 + n, began_at, began_at + interval '4 hours', state,
    CASE WHEN state = 'met' THEN began_at + interval '30 minutes' WHEN state = 'breached' AND n %% 50 > 0
        THEN began_at + interval '9 hours' END,
    CASE WHEN state = 'breached' THEN began_at + interval '4 hours' END, false, 'receiver', owner, %(team)s,
    '[]', '{"holder": "", "is_exact": true, "because": "", "retargets": [], "stop": null, "read_again": []}'
FROM (
    SELECT n, {began} AS began_at, CASE
        WHEN abs(hashint4(n)::bigint) %% 525600 < 180 THEN 'running' WHEN n %% 4 = 0 THEN 'breached' ELSE 'met'
    END state,
    CASE WHEN n %% 50 > 0 THEN (%(people)s::bigint[])[1 + n %% cardinality(%(people)s::bigint[])] END owner
    FROM generate_series(1, %(n)s) n
) told;
INSERT INTO scorecards_metricfact (id, metric, metric_version, journey_id, record_id, anchor_at, day, value, slice,
    dimensions, is_excused)
SELECT md5('t' || id)::uuid, 'in_time', 2, journey_id, record_id, started_at, (started_at AT TIME ZONE 'UTC')::date,
    CASE WHEN state = 'met' THEN 1 ELSE 0 END, rule_key, jsonb_build_object(
        'rule', rule_key, 'clock', id, 'owner', owner_id, 'team', 'sdr', 'tier', NULL,
        'lead_origin', (ARRAY['demo_request', 'webinar', 'content'])[1 + abs(hashtext(id::text)) %% 3],
        'region', (ARRAY['NA', 'EMEA', 'APAC'])[1 + abs(hashtext('r' || id)) %% 3]
    ) || CASE WHEN state = 'breached' THEN '{"party": "receiver", "reason": "not_worked"}' ELSE '{}' END::jsonb, false
FROM slas_clock WHERE state <> 'running';
INSERT INTO scorecards_metricfact (id, metric, metric_version, journey_id, record_id, anchor_at, day, value, slice,
    dimensions, seconds, is_excused)
SELECT md5(told.metric || c.id)::uuid, told.metric, told.version, c.journey_id, c.record_id, c.started_at,
    (c.started_at AT TIME ZONE 'UTC')::date, told.value, '', jsonb_build_object(
        'pass', 1, 'touch', CASE WHEN c.stopped_at IS NULL THEN 'never' ELSE 'touched' END, 'touches',
        abs(hashtext(c.id::text)) %% 8, 'given_until',
        to_char(c.started_at + interval '14 days', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'owner', c.owner_id, 'team', 'sdr', 'lead_origin',
        (ARRAY['demo_request', 'webinar', 'content'])[1 + abs(hashtext(c.id::text)) %% 3],
        'region', (ARRAY['NA', 'EMEA', 'APAC'])[1 + abs(hashtext('r' || c.id)) %% 3],
        'holder', CASE WHEN c.owner_id IS NULL THEN 'Nobody' ELSE '' END
    ), extract(epoch FROM c.stopped_at - c.started_at)::bigint, false
FROM slas_clock c CROSS JOIN LATERAL unnest(%(metrics)s::text[], %(versions)s::int[],
    ARRAY[abs(hashtext('q' || c.id)) %% 3 / 2, abs(hashtext('f' || c.id)) %% 4 / 3, CASE WHEN c.owner_id IS NULL THEN 1
    ELSE 0 END, abs(hashtext('m' || c.id)) %% 60 / 59]) told(metric, version, value)
WHERE c.state <> 'running' AND abs(hashtext(c.id::text)) %% 3 = 0;
"""
TOLD = """
INSERT INTO effects_effect (key, channel, receiver, "group", held, planned_at, order_key, payload, state, created_at,
    next_try_at, attempts, done_at, last_error, may_be_repeated)
SELECT 'clock:' || c.id || ':s1:' || c.owner_id || ':' || channel, channel, 'person:' || c.owner_id, 'late', '',
    c.due_at, '', jsonb_build_object('person', c.owner_id, 'title', 'Late'), 'done', c.due_at, c.due_at, 1,
    c.due_at, '', false
FROM slas_clock c CROSS JOIN unnest(ARRAY['inbox', 'email']) channel
WHERE c.state = 'breached' AND c.owner_id IS NOT NULL;
INSERT INTO effects_inboxmessage (key, person_id, severity, title, body, href, "group", group_name, record, created_at,
    read_at)
SELECT 'clock:' || c.id, c.owner_id, 'late', 'Late: ' || r.title, '', '/clocks/' || c.id || '/', c.rule_key,
    'First touch', c.record_id, c.due_at,
    CASE WHEN c.due_at < %(now)s::timestamptz - interval '3 days' THEN c.due_at END
FROM slas_clock c JOIN records_record r ON r.id = c.record_id
WHERE c.state = 'breached' AND c.owner_id IS NOT NULL;
INSERT INTO slas_appeal (id, clock_id, person_id, team_id, reason, note, state, opened_by_id, opened_at, decided_at,
    decided_because, was_proved)
SELECT md5('a' || c.id)::uuid, c.id, c.owner_id, %(team)s, 'other', 'They were at a fair.',
    CASE WHEN c.due_at > %(now)s::timestamptz - interval '7 days' THEN 'open'
        WHEN hashtext(c.id::text) %% 3 = 0 THEN 'refused' ELSE 'granted' END,
    c.owner_id, c.due_at, CASE WHEN c.due_at <= %(now)s::timestamptz - interval '7 days' THEN c.due_at END, '', false
FROM slas_clock c WHERE c.state = 'breached' AND c.owner_id IS NOT NULL AND abs(hashtext('a' || c.id)) %% 20 = 0;
INSERT INTO handoffs_handoff (id, template_key, template_id, journey_id, record_id, opened_by_id, opened_at, state,
    whose_move, sender_id, receiver_id, form, answered_in, reason, reason_text, next_step)
SELECT md5('h' || n)::uuid, %(handoff_key)s, %(handoff)s, md5('b' || n)::uuid, md5('b' || n)::uuid, 1000000000 + n,
    {began}, CASE WHEN n %% 1000 = 0 THEN 'sent' ELSE 'completed' END,
    CASE WHEN n %% 1000 = 0 THEN 'receiver' ELSE 'nobody' END,
    (%(people)s::bigint[])[1 + n %% cardinality(%(people)s::bigint[])],
    NULL, '{}', '', '', '', ''
FROM generate_series(10, %(n)s, 10) n;
"""
COUNTED = ("mql_to_sql", "form_to_sql", "left_alone", "misrouted")


def compare() -> list[Result]:
    number = int(OPTIONS.get("records", RECORDS))
    start_database()
    began = time.perf_counter()
    ids = _fill(number, datetime.now(UTC))
    sys.stderr.write(f"{number:,} buyers with a clock each made in {time.perf_counter() - began:.0f} s\n")
    return [_time(what, who, address.format(**ids)) for what, who, address in PAGES]


def _fill(number: int, now: datetime) -> dict[str, str]:
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
    from django.db import connection

    from definitions.models import StageEntry, Version
    from gtmops.demo import demo_seed
    from gtmops.seeding import seed
    from records.models import Connection
    from scorecards.metrics import METRICS
    from scorecards.services import recount
    from slas.models import Clock
    from teams.models import Person, Team

    seed(demo_seed("http://127.0.0.1:9", now), now)
    # Without an authenticator app an admin sees no other page than the one that sets it up.
    TOTP.activate(Person.objects.get(email=ADMIN), generate_totp_secret())
    sdr = Team.objects.get(key="sdr")
    blank = [
        f.column
        for f in StageEntry._meta.concrete_fields
        if f.column not in BUYERS and not f.null and f.column != "id"
    ]
    defaults = [StageEntry._meta.get_field(column).get_default() for column in blank]
    pieces = {
        "{began}": BEGAN,
        "{more}": "".join(f", {column}" for column in blank),
        "{blank}": "".join(f", {_literal(value)}" for value in defaults),
    }
    handoff = Version.objects.filter(section="handoffs").order_by("key", "pk")[0]
    hours = Version.objects.filter(section="calendars").order_by("pk")[0]
    told = {
        "n": number, "now": now, "team": sdr.pk, "crm": Connection.objects.get(name="hubspot").pk,
        "people": list(Person.objects.filter(memberships__team=sdr).order_by("pk").values_list("pk", flat=True)),
        "rule": Version.objects.get(section="sla_rules", key="s2_first_touch").pk,
        "calendar": hours.pk, "handoff": handoff.pk, "handoff_key": handoff.key,
        "mql": Version.objects.get(section="definitions", key="mql").pk,
        "metrics": list(COUNTED), "versions": [METRICS[key].version for key in COUNTED],
    }  # fmt: skip
    with connection.cursor() as cursor:
        # The rows are right; checking millions of them one by one takes longer than what is measured.
        cursor.execute("SET session_replication_role = replica")
        for statement in (BUYERS, CLOCKS, TOLD):
            for name, text in pieces.items():
                statement = statement.replace(name, text)
            cursor.execute(statement, told)
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("UPDATE integrations_pullcursor SET is_loaded = true")
    recount()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    owned = Clock.objects.filter(owner__isnull=False).order_by("-started_at")
    late, running = owned.filter(state="breached")[0], owned.filter(state="running")[0]
    return {
        "record": str(late.record_id), "clock": str(late.pk), "running": str(running.pk), "hours": hours.key
    }  # fmt: skip


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, dict)):
        return f"'{'{}' if isinstance(value, dict) else '[]'}'"
    return f"'{value or ''}'" if not isinstance(value, int) else str(value)


def _time(what: str, who: str, address: str) -> Result:
    """The page 19 of 20 people wait less for (p95), nothing kept from one to the next; and its queries. Of a file the
    first rows: what is sent before the rest is read."""
    from django.core.cache import cache
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from teams.models import Person

    client = Client(HTTP_HOST="localhost")
    client.force_login(Person.objects.get(email=who))

    def ask() -> float:
        """Seconds."""
        cache.clear()
        began = time.perf_counter()
        answer = client.get(address, secure=True)
        if answer.status_code != 200:
            raise WrongAnswerError(f"{address} answers {answer.status_code}")
        if answer.streaming:
            lines = iter(answer.streaming_content)  # type: ignore[attr-defined]  # a StreamingHttpResponse
            next(lines)
            next(lines, None)
            answer.close()
        return time.perf_counter() - began

    ask()  # what a process loads once
    taken = sorted(ask() for _ in range(ROUNDS))
    with CaptureQueriesContext(connection) as asked:
        ask()
    p95 = taken[int(len(taken) * 0.95) - 1]
    sys.stderr.write(
        f"  {what}: {p95 * 1e3:.0f} ms (median {taken[len(taken) // 2] * 1e3:.0f}), {len(asked)} queries"
        f"{'' if len(asked) <= MOST_QUERIES else ', more than ' + str(MOST_QUERIES)}\n"
    )
    return Result(f"{what} (p95, {len(asked)} queries)", p95, "the goal", GOAL_SECONDS, 1)
