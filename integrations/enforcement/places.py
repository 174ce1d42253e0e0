"""What a plan is made of: the pipelines in force, and where their fields live in a connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.conf import settings
from django.urls import reverse

from definitions.bodies import PIPELINES, PipelineBody, pipeline_body
from definitions.catalogue import catalogue_from_db
from definitions.criteria import Criterion, parse
from definitions.criteria.compiled import RemoteField
from definitions.desired import exception_mark
from definitions.versions import versions_in_force
from integrations.enforcement.plan import Place, StagePlan, plan_hubspot, plan_salesforce
from integrations.models import EnforcementItem
from records.models import Connection, FieldMapping, SchemaField

EXCEPTION_FIELD = "gtm_exception"


def plans_for(connection: Connection, now: datetime) -> list[StagePlan]:
    """What this CRM could hold of the exit criteria in force. A constant number of queries; asks no CRM."""
    pipelines = pipelines_in_force(connection, now)
    places = places_of(connection)
    if connection.kind != Connection.Kind.SALESFORCE:
        return plan_hubspot(pipelines, places)
    links = {body.key: settings.SITE_URL + model_path(body.key) for _, body in pipelines}
    return plan_salesforce(pipelines, places, links, _names(connection), waived_of(pipelines))


def waived_of(pipelines: Sequence[tuple[int, PipelineBody]]) -> dict[tuple[str, str], Criterion]:
    """(pipeline, stage) to what is true of a record that may leave it by an exception, as our own field says."""
    catalogue = catalogue_from_db()
    found = {}
    for _, body in pipelines:
        if catalogue.objects.get(body.object, {}).get(EXCEPTION_FIELD) is None:
            continue
        for stage in body.stages:
            mark = exception_mark(body.key, stage.key)
            tree = {"field": EXCEPTION_FIELD, "op": "contains", "value": mark}
            found[body.key, stage.key] = parse(tree, catalogue, object=body.object)
    return found


def pipelines_in_force(connection: Connection, now: datetime) -> list[tuple[int, PipelineBody]]:
    """(version id, pipeline) of those that are judged in this connection."""
    catalogue = catalogue_from_db()
    bodies = [
        (version.pk, pipeline_body(key, version.body, catalogue))
        for key, version in versions_in_force(PIPELINES, now).items()
    ]
    return [(pk, body) for pk, body in bodies if body.connection in ("", connection.name)]


def places_of(connection: Connection) -> dict[str, list[Place]]:
    """By logical object: the remote objects it is mapped to, each with the fields that can be read there now."""
    seen = {
        (field.remote_object, field.name): field
        for field in SchemaField.objects.filter(connection=connection, gone_at=None)
    }
    fields: dict[tuple[str, str], dict[str, RemoteField]] = {}
    labels: dict[tuple[str, str], dict[str, str]] = {}
    rows = FieldMapping.objects.filter(connection=connection, is_broken=False).select_related("field")
    for row in rows.order_by("remote_object", "pk"):
        key, name = (row.field.object, row.remote_object), row.field.name
        known = seen.get((row.remote_object, row.remote_name))
        fields.setdefault(key, {})[name] = RemoteField(
            row.remote_name, known.type if known else "", None, row.value_map
        )
        labels.setdefault(key, {})[name] = (known.label if known else "") or row.field.label
    found: dict[str, list[Place]] = {}
    for (object_name, remote_object), mapped in fields.items():
        found.setdefault(object_name, []).append(
            Place(remote_object, mapped, labels[object_name, remote_object])
        )
    return found


def model_path(pipeline: str) -> str:
    """The page of a pipeline."""
    return reverse("definitions:item", args=[PIPELINES, pipeline])


def _names(connection: Connection) -> Mapping[tuple[str, str, str], str]:
    rows = EnforcementItem.objects.filter(connection=connection, kind=EnforcementItem.Kind.RULE)
    return {(r.pipeline, r.stage, r.remote_object): r.name.partition(".")[2] for r in rows}
