"""The part of HubSpot's API that the product and hubspot-api-client use: v3 objects, v4 associations, OAuth."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from integrations.standins.faults import Faults
from integrations.standins.http import Refused, Request, Response, Router, json_response
from integrations.standins.hubspot_associations import Associations
from integrations.standins.hubspot_batches import Batches
from integrations.standins.hubspot_limits import Limits
from integrations.standins.hubspot_oauth import Tokens
from integrations.standins.hubspot_objects import Objects
from integrations.standins.hubspot_people import People
from integrations.standins.hubspot_properties import Properties
from integrations.standins.hubspot_rules import RuleError
from integrations.standins.hubspot_search import normal_type
from integrations.standins.store import Store

LONGEST_TARGET = 16_000  # characters of an address


class HubspotApi:
    def __init__(self, store: Store, faults: Faults) -> None:
        self.store = store
        self.faults = faults
        self.limits = Limits(faults)
        self.tokens = Tokens(store, faults)
        self._parts = [part(store, faults) for part in (Batches, Objects, Properties, People, Associations)]

    def routes(self, router: Router) -> None:
        self.tokens.routes(router)
        for part in self._parts:
            for method, path, handler in part.routes():
                router.add(method, path, self._guarded(handler))

    def _guarded(self, handler: Callable[..., Response]) -> Callable[..., Response]:
        def guarded(request: Request, **parts: str) -> Response:
            correlation = str(uuid.uuid4())
            try:
                response = self._answer(handler, request, parts)
            except RuleError as rule:
                body: dict[str, Any] = {**rule.body, "correlationId": correlation}
                if self.faults.hits("bare"):
                    body.pop("category", None)
                response = json_response(body, rule.status)
            except Refused as refused:
                response = refused.response
            response.headers["X-HubSpot-Correlation-Id"] = correlation
            self.limits.note(request, response)
            return response

        return guarded

    def _answer(self, handler: Callable[..., Response], request: Request, parts: dict[str, str]) -> Response:
        token = self.tokens.check(request)
        if len(request.target) > LONGEST_TARGET:
            return Response(414, b"<html><body>URI Too Long</body></html>")
        refused = self.limits.refuse(request)
        if refused is not None:
            return refused
        if self.faults.hits("locked"):
            raise RuleError("The resource is locked.", "LOCKED", 423)
        if "type" in parts:
            parts["kind"] = normal_type(parts.pop("type"))
        for name in ("from_type", "to_type"):
            if name in parts:
                parts[name] = normal_type(parts[name])
        self.tokens.check_scope(token, request, parts.get("kind") or parts.get("from_type", ""))
        return handler(request, **parts)
