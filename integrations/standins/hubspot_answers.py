"""The forms of HubSpot's requests and answers."""

from __future__ import annotations

import time
from collections.abc import Callable

from integrations.standins.http import Request, Response, json_response
from integrations.standins.hubspot_rules import RuleError
from integrations.standins.store import Fields

Route = tuple[str, str, Callable[..., Response]]
"""(method, path, handler): ``{type}``, ``{from_type}`` and ``{to_type}`` reach it as plural names."""


def batch_answer(results: list[Fields], errors: list[Fields], status: int = 200) -> Response:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    out: Fields = {"status": "COMPLETE", "results": results, "startedAt": moment, "completedAt": moment}
    if errors:
        out |= {"numErrors": len(errors), "errors": errors}
    return json_response(out, 207 if errors else status)


def body_of(request: Request) -> Fields:
    try:
        body = request.json()
    except ValueError:
        raise RuleError("Invalid input JSON") from None
    if not isinstance(body, dict):
        raise RuleError("Invalid input JSON: an object is expected")
    return body


def inputs_of(body: Fields, most: int) -> list[Fields]:
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise RuleError("inputs: at least one is needed")
    if len(inputs) > most:
        raise RuleError(
            f"The maximum number of inputs supported in a batch request is {most}. Received {len(inputs)}."
        )
    return inputs


def names_of(request: Request, parameter: str) -> list[str]:
    return [n for value in request.query.get(parameter, []) for n in value.split(",") if n]


def integer_of(text: str) -> int:
    if not text.isdigit():
        raise RuleError(f"{text!r} is not a number")
    return int(text)
