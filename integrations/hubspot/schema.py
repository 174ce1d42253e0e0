"""What HubSpot knows of its objects and properties, and the properties that are ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from integrations.base import RemoteField, RemoteObject
from integrations.errors import Misconfigured, Rejected
from integrations.hubspot import names
from integrations.hubspot.answers import Row, rows_of
from integrations.hubspot.session import HubspotSession
from integrations.legible import Illegible, word
from records.own_fields import OwnField

_THERE_ALREADY = frozenset({"OBJECT_ALREADY_EXISTS", "CONFLICT"})


class Schema:
    def __init__(self, session: HubspotSession) -> None:
        self.session = session
        self._properties: dict[str, list[Row]] = {}
        self._fields: dict[str, dict[str, RemoteField]] = {}

    def describe(self, remote_object: str) -> Mapping[str, RemoteField]:
        """Read once for the connector's life, which is one run. Raises Misconfigured."""
        if remote_object not in self._fields:
            found = {word(p, "name"): _remote_field(p) for p in self._read(remote_object)}
            self._fields[remote_object] = self._with_stages(remote_object, found)
        return self._fields[remote_object]

    def list_objects(self) -> Sequence[RemoteObject]:
        """HubSpot's own, leads only where the plan has them, then the customer's, where their scope is granted."""
        found = [
            RemoteObject(name, label)
            for name, label in names.OBJECTS.items()
            if name != "leads" or self._is_there(name)
        ]
        try:
            answer = self.session.call(self.session.client.crm.schemas.core_api.get_all, archived=False)
        except (Misconfigured, Rejected):
            return found
        own = [
            RemoteObject(
                str(row.get("fullyQualifiedName") or row["objectTypeId"]),
                str((row.get("labels") or {}).get("plural") or row["name"]),
                is_custom=True,
            )
            for row in rows_of(answer)
        ]
        return [*found, *sorted(own, key=lambda o: o.label)]

    def create_fields(self, remote_object: str, fields: Sequence[OwnField]) -> None:
        known = {str(p["name"]): p for p in self._read(remote_object)}
        for field in fields:
            self._refuse_strangers(remote_object, field, known.get(names.own_field_name(field)))
        crm = self.session.client.crm.properties
        self._create(crm.groups_api.create, remote_object, names.group())
        for field in fields:
            there = known.get(names.own_field_name(field))
            if there is None:
                # One that was archived comes back, with the values it had; the next push sets those right.
                self._create(crm.core_api.create, remote_object, names.own_field_property(field))
            elif options := names.options_to_add(field, there):
                self.session.call(
                    crm.core_api.update, remote_object, str(there["name"]), {"options": options}
                )
        self._forget(remote_object)
        seen = self.describe(remote_object)
        hidden = [f.name for f in fields if names.own_field_name(f) not in seen]
        if hidden:
            raise Misconfigured(f"{', '.join(hidden)} on {remote_object} were created but can't be seen.")

    def remove_fields(self, remote_object: str, fields: Sequence[OwnField]) -> Sequence[str]:
        """Archive ours, in our group and of our type; names of those that went. HubSpot keeps their values 90 days.

        Raises Misconfigured, after the others went, for those that HubSpot says are in use."""
        known = {str(p["name"]): p for p in self._read(remote_object)}
        gone: list[str] = []
        kept: list[str] = []
        crm = self.session.client.crm.properties
        for field in fields:
            there = known.get(names.own_field_name(field))
            if there is None or not names.is_ours(field, there):
                continue
            name = str(there["name"])
            try:
                self.session.call(crm.core_api.archive, remote_object, name)
            except Rejected as error:
                kept.append(f"{name} ({error})")
            else:
                gone.append(name)
        if gone and not kept:
            # With a property of somebody else's in it, the group stays.
            with suppress(Rejected, Misconfigured):
                self.session.call(crm.groups_api.archive, remote_object, names.GROUP)
        self._forget(remote_object)
        if kept:
            raise Misconfigured(
                f"HubSpot keeps {', '.join(kept)} on {remote_object}. Take it out of the form, list or workflow "
                "that uses it, then remove it again."
            )
        return gone

    # --------------------------------------------------------------------------------------------------------------

    def _read(self, remote_object: str) -> Sequence[Row]:
        if remote_object not in self._properties:
            try:
                answer = self.session.call(self.session.client.crm.properties.core_api.get_all, remote_object)
            except Rejected as error:
                raise Misconfigured(str(error)) from error
            found = rows_of(answer)
            if not found:
                # Every object has some: they would be taken for properties that are gone.
                raise Illegible(f"HubSpot showed no property of {remote_object}.")
            self._properties[remote_object] = found
        return self._properties[remote_object]

    def _with_stages(self, remote_object: str, found: dict[str, RemoteField]) -> dict[str, RemoteField]:
        """Pipelines and stages, where the properties list none of the options that they take from elsewhere."""
        if remote_object not in names.STAGES:
            return found
        pipeline_name, stage_name = names.STAGES[remote_object]
        lacking = [n for n in (pipeline_name, stage_name) if n in found and not found[n].options]
        if not lacking:
            return found
        try:
            answer = self.session.call(self.session.client.crm.pipelines.pipelines_api.get_all, remote_object)
        except (Misconfigured, Rejected):
            return found
        pipelines = rows_of(answer)
        options = {
            pipeline_name: tuple((str(p["id"]), str(p["label"])) for p in pipelines),
            stage_name: tuple(
                # Stages of two pipelines are often called alike.
                (str(s["id"]), f"{s['label']} ({p['label']})" if len(pipelines) > 1 else str(s["label"]))
                for p in pipelines
                for s in p.get("stages") or []
            ),
        }
        return {**found, **{n: replace(found[n], options=options[n]) for n in lacking}}

    def _forget(self, remote_object: str) -> None:
        self._properties.pop(remote_object, None)
        self._fields.pop(remote_object, None)

    def _is_there(self, remote_object: str) -> bool:
        try:
            return bool(self._read(remote_object))
        except Misconfigured:
            return False

    @staticmethod
    def _refuse_strangers(remote_object: str, field: OwnField, there: Row | None) -> None:
        if there is not None and there.get("type") != names.OWN_FIELD_TYPES[field.type]:
            raise Misconfigured(
                f"{remote_object} has a property {there['name']} of type {there.get('type')}, which is not ours. "
                "Rename or remove it."
            )

    def _create(self, method: Any, remote_object: str, body: Mapping[str, Any]) -> None:
        try:
            self.session.call(method, remote_object, dict(body))
        except Rejected as error:
            if error.code not in _THERE_ALREADY:
                raise Misconfigured(str(error)) from error


def _remote_field(item: Row) -> RemoteField:
    read_only = bool((item.get("modificationMetadata") or {}).get("readOnlyValue")) or bool(
        item.get("calculated")
    )
    return RemoteField(
        name=str(item["name"]),
        label=str(item.get("label") or item["name"]),
        type=str(item.get("type", "")),
        is_writable=not read_only,
        options=tuple(
            (str(o["value"]), str(o.get("label") or o["value"])) for o in item.get("options") or []
        ),
    )
