"""Makes ``facts.json`` from a folder of OpenAPI descriptions of HubSpot:

    python -m tests.integrations.hubspot_api.generate FOLDER

Only facts are carried over (paths, methods, names and types of parameters, keys of bodies, which of them are required,
allowed values); no description, no operation name and no answer. The descriptions themselves are not part of this
repository. ``documented.py`` has what HubSpot documents and the descriptions lack."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FACTS = Path(__file__).with_name("facts.json")
FILES = (
    "crm-objects-generic", "crm-contacts", "crm-companies", "crm-deals", "crm-leads", "crm-properties", "crm-pipelines",
    "crm-owners", "crm-associations-v4", "crm-associations-v4-schema", "crm-schemas", "oauth",
)  # fmt: skip
JSON_BODY, FORM_BODY = "application/json", "application/x-www-form-urlencoded"


def facts_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """``"METHOD path"`` to {query: {name: type}, form, body}; what an operation doesn't have is left out."""
    schemas = document.get("components", {}).get("schemas", {})
    found: dict[str, Any] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            fact: dict[str, Any] = {}
            query = {
                p["name"]: _type(p["schema"], schemas)
                for p in operation.get("parameters", [])
                if p["in"] == "query"
            }
            if query:
                fact["query"] = query
            required = [
                p["name"] for p in operation.get("parameters", []) if p["in"] == "query" and p.get("required")
            ]
            if required:
                fact["required"] = sorted(required)
            content = operation.get("requestBody", {}).get("content", {})
            if JSON_BODY in content:
                fact["body"] = _type(content[JSON_BODY]["schema"], schemas)
            if FORM_BODY in content:
                fact["form"] = sorted(_resolved(content[FORM_BODY]["schema"], schemas)["properties"])
            found[f"{method.upper()} {path.rstrip('/')}"] = fact
    return found


def _resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    return schema


def _type(schema: Mapping[str, Any], schemas: Mapping[str, Any], depth: int = 0) -> Any:
    """A word for a plain type, ``{"enum"}``, ``{"each"}`` of a list, ``{"keys", "required"}``, ``{"values"}``."""
    schema = _resolved(schema, schemas)
    if depth > 12:
        raise ValueError("a description that contains itself")
    if "enum" in schema:
        return {"enum": sorted(schema["enum"])}
    if schema.get("type") == "array":
        return {"each": _type(schema["items"], schemas, depth + 1)}
    if "properties" in schema:
        keys = {k: _type(v, schemas, depth + 1) for k, v in sorted(schema["properties"].items())}
        return {"keys": keys, "required": sorted(schema.get("required", []))}
    if isinstance(schema.get("additionalProperties"), dict):
        return {"values": _type(schema["additionalProperties"], schemas, depth + 1)}
    kind = str(schema.get("type", "any"))
    return f"{kind} or null" if schema.get("nullable") else kind


def main(folder: Path) -> None:
    found: dict[str, Any] = {}
    for name in FILES:
        for operation, fact in facts_of(json.loads((folder / f"{name}.json").read_text("utf-8"))).items():
            found.setdefault(operation, fact)
    lines = (
        f"{json.dumps(name)}: {json.dumps(fact, sort_keys=True)}" for name, fact in sorted(found.items())
    )
    FACTS.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
