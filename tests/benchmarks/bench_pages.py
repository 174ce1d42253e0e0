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

PAGES = (
    ("records", LEADER, "/records/"),
    ("records, narrowed", LEADER, "/records/?q=person+77"),
    ("a record", LEADER, "/records/{record}/"),
    ("clocks", LEADER, "/clocks/"),
    ("a clock's receipt", LEADER, "/clocks/{clock}/"),
    ("scorecard", LEADER, "/scorecard/"),
    ("map", LEADER, "/map/"),
    ("team board", LEADER, "/clocks/board/?team=sdr"),
    ("late", LEADER, "/clocks/late/"),
    ("in time", LEADER, "/clocks/in-time/"),
    ("first touch", LEADER, "/clocks/first-touch/"),
    ("speed pays", LEADER, "/clocks/speed/"),
    ("black hole", LEADER, "/clocks/black-hole/"),
    ("misrouted", LEADER, "/clocks/misrouted/"),
    ("unowned", LEADER, "/clocks/unowned/"),
    ("my day", REP, "/"),
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
        'lead_origin', (ARRAY['demo_request', 'webinar', 'content'])[1 + abs(hashtext(id::text)) %% 3]
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
        'holder', CASE WHEN c.owner_id IS NULL THEN 'Nobody' ELSE '' END
    ), extract(epoch FROM c.stopped_at - c.started_at)::bigint, false
FROM slas_clock c CROSS JOIN LATERAL unnest(%(metrics)s::text[], %(versions)s::int[],
    ARRAY[abs(hashtext('q' || c.id)) %% 3 / 2, abs(hashtext('f' || c.id)) %% 4 / 3, CASE WHEN c.owner_id IS NULL THEN 1
    ELSE 0 END, abs(hashtext('m' || c.id)) %% 60 / 59]) told(metric, version, value)
WHERE c.state <> 'running' AND abs(hashtext(c.id::text)) %% 3 = 0;
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
    told = {
        "n": number, "now": now, "team": sdr.pk, "crm": Connection.objects.get(name="hubspot").pk,
        "people": list(Person.objects.filter(memberships__team=sdr).order_by("pk").values_list("pk", flat=True)),
        "rule": Version.objects.get(section="sla_rules", key="s2_first_touch").pk,
        "calendar": Version.objects.filter(section="calendars").order_by("pk")[0].pk,
        "mql": Version.objects.get(section="definitions", key="mql").pk,
        "metrics": list(COUNTED), "versions": [METRICS[key].version for key in COUNTED],
    }  # fmt: skip
    with connection.cursor() as cursor:
        # The rows are right; checking millions of them one by one takes longer than what is measured.
        cursor.execute("SET session_replication_role = replica")
        for statement in (BUYERS, CLOCKS):
            for name, text in pieces.items():
                statement = statement.replace(name, text)
            cursor.execute(statement, told)
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("UPDATE integrations_pullcursor SET is_loaded = true")
    recount()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    late = Clock.objects.filter(state="breached").order_by("-started_at")[0]
    return {"record": str(late.record_id), "clock": str(late.pk)}


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, dict)):
        return f"'{'{}' if isinstance(value, dict) else '[]'}'"
    return f"'{value or ''}'" if not isinstance(value, int) else str(value)


def _time(what: str, who: str, address: str) -> Result:
    """The page 19 of 20 people wait less for (p95), nothing kept from one to the next; and its queries."""
    from django.core.cache import cache
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from teams.models import Person

    client = Client(HTTP_HOST="localhost")
    client.force_login(Person.objects.get(email=who))
    taken = []
    for turn in range(ROUNDS + 1):
        cache.clear()
        began = time.perf_counter()
        answer = client.get(address, secure=True, follow=True)
        seconds = time.perf_counter() - began
        if answer.status_code != 200:
            raise WrongAnswerError(f"{address} answers {answer.status_code}")
        if turn:
            taken.append(seconds)
    cache.clear()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        client.get(address, secure=True, follow=True)
    taken.sort()
    p95 = taken[int(len(taken) * 0.95) - 1]
    sys.stderr.write(
        f"  {what}: {p95 * 1e3:.0f} ms (median {taken[len(taken) // 2] * 1e3:.0f}), {len(asked)} queries"
        f"{'' if len(asked) <= MOST_QUERIES else ', more than ' + str(MOST_QUERIES)}\n"
    )
    return Result(f"{what} (p95, {len(asked)} queries)", p95, "the goal", GOAL_SECONDS)
