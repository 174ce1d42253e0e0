"""What criteria may read, as the installation has it: the field catalogue, names of stages, currencies."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, Final

from django.utils import timezone

from definitions.bodies import PIPELINES, STAGES, known_catalogue
from definitions.criteria import Catalogue
from definitions.currencies import CURRENCIES, plain_currencies
from definitions.models import Version
from definitions.versions import Model
from records.models import CatalogueField

READ: Final = (CURRENCIES, STAGES, PIPELINES)


def catalogue_from_db(model: Model | None = None) -> Catalogue:
    """Two queries, one where ``model`` is loaded already. Options that are neither a text nor have a ``value`` are left
    out; currencies and the names of stages are those in force now."""
    spec: dict[str, dict[str, dict[str, Any]]] = {}
    rows = CatalogueField.objects.order_by("object", "name")
    for object_name, name, label, kind, options in rows.values_list(
        "object", "name", "label", "type", "options"
    ):
        spec.setdefault(object_name, {})[name] = {
            "type": kind,
            "label": label,
            "options": [o for o in options if isinstance(o, str) or (isinstance(o, dict) and o.get("value"))],
        }
    now = timezone.now()
    versions = (
        Version.objects.in_force(READ, now)
        if model is None
        else [version for section in READ for version in model.in_force(section, now).values()]
    )
    in_force: dict[str, list[Version]] = defaultdict(list)
    for version in versions:
        in_force[version.section].append(version)
    told = {
        "objects": spec,
        "currencies": plain_currencies(in_force[CURRENCIES]),
        "stage_labels": {
            **{v.key: str(v.body.get("short") or v.body.get("name") or v.key) for v in in_force[STAGES]},
            **{
                f"{v.key}/{stage['key']}": str(stage.get("name") or stage["key"])
                for v in in_force[PIPELINES]
                for stage in v.body.get("stages") or ()
            },
        },
    }
    return known_catalogue(json.dumps(told))
