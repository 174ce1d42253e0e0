"""What the stand-in Salesforce answers in: its errors, and the bodies it takes."""

from __future__ import annotations

import json

from integrations.standins.http import Refused, Request, json_response
from integrations.standins.salesforce_rules import RuleError
from integrations.standins.store import Fields


def error(code: str, message: str, status: int = 400, fields: list[str] | None = None) -> Refused:
    item: Fields = {"message": message, "errorCode": code}
    if fields:
        item["fields"] = fields
    return Refused(json_response([item], status))


def refused(rule: RuleError) -> Refused:
    items = []
    for one in rule.every():
        item: Fields = {"message": one.message, "errorCode": one.code}
        items.append({**item, "fields": one.fields} if one.fields else item)
    return Refused(json_response(items, rule.status))


def body_of(request: Request) -> Fields:
    try:
        body = request.json()
    except json.JSONDecodeError as fault:
        raise error(
            "JSON_PARSER_ERROR", f"Unexpected character at [line:{fault.lineno}, column:{fault.colno}]"
        ) from None
    if not isinstance(body, dict):
        raise error("JSON_PARSER_ERROR", "an object is expected")
    return body
