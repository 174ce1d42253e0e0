"""The field catalogue, as criteria read it."""

from __future__ import annotations

import json
from typing import Any

from definitions.bodies import known_catalogue
from definitions.criteria import Catalogue
from records.models import CatalogueField


def catalogue_from_db() -> Catalogue:
    """One query. Options that are neither a text nor have a ``value`` are left out."""
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
    return known_catalogue(json.dumps(spec))
