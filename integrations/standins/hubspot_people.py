"""HubSpot's account, owners and pipelines."""

from __future__ import annotations

from integrations.standins.faults import Faults
from integrations.standins.http import Request, Response, json_response
from integrations.standins.hubspot_answers import Route, integer_of
from integrations.standins.hubspot_rules import RuleError
from integrations.standins.store import Fields, Store
from integrations.standins.webhooks import PORTAL_ID


class People:
    def __init__(self, store: Store, faults: Faults) -> None:
        self.store = store
        self.faults = faults

    def routes(self) -> list[Route]:
        return [
            ("GET", "/account-info/v3/details", self.account),
            ("GET", "/crm/v3/pipelines/{type}", self.pipelines),
            ("GET", "/crm/v3/pipelines/{type}/{pipeline}", self.pipeline),
            ("GET", "/crm/v3/pipelines/{type}/{pipeline}/stages", self.stages),
            ("GET", "/crm/v3/owners", self.owners),
            ("GET", "/crm/v3/owners/{owner}", self.owner),
            ("GET", "/crm-object-schemas/v3/schemas", self.schemas),
        ]

    def schemas(self, request: Request) -> Response:
        """This account has no custom objects."""
        return json_response({"results": []})

    def account(self, request: Request) -> Response:
        return json_response(
            {
                "portalId": PORTAL_ID,
                "accountType": "DEVELOPER_TEST",
                "timeZone": "US/Central",
                "companyCurrency": "USD",
                "additionalCurrencies": ["EUR"],
                "utcOffset": "-06:00",
                "utcOffsetMilliseconds": -21_600_000,
                "uiDomain": "app.hubspot.com",
                "dataHostingLocation": "na1",
            }
        )

    def pipelines(self, request: Request, kind: str) -> Response:
        return json_response({"results": self._pipelines(kind)})

    def pipeline(self, request: Request, kind: str, pipeline: str) -> Response:
        found = [p for p in self._pipelines(kind) if p["id"] == pipeline]
        if not found:
            raise RuleError("resource not found", "OBJECT_NOT_FOUND", 404)
        return json_response(found[0])

    def stages(self, request: Request, kind: str, pipeline: str) -> Response:
        found = [p for p in self._pipelines(kind) if p["id"] == pipeline]
        if not found:
            raise RuleError("resource not found", "OBJECT_NOT_FOUND", 404)
        return json_response({"results": found[0]["stages"]})

    def _pipelines(self, kind: str) -> list[Fields]:
        stamp = {"createdAt": "2020-01-01T00:00:00Z", "updatedAt": "2020-01-01T00:00:00Z", "archived": False}
        return [
            {
                "id": p["id"],
                "label": p["label"],
                "displayOrder": n,
                **stamp,
                "stages": [
                    {
                        "id": s["id"],
                        "label": s["label"],
                        "displayOrder": i,
                        "metadata": {
                            "isClosed": str(s["closed"]).lower(),
                            "probability": str(float(s["probability"])),
                        },
                        **stamp,
                    }
                    for i, s in enumerate(p["stages"])
                ],
            }
            for n, p in enumerate(self.store.meta("pipelines", []))
            if p.get("object_type", "deals") == kind
        ]

    def owners(self, request: Request) -> Response:
        archived = request.arg("archived").lower() == "true"
        email, after = request.arg("email").lower(), integer_of(request.arg("after", "0"))
        limit = min(integer_of(request.arg("limit", "100")), 500)
        found = [o for o in self.store.meta("owners", []) if o["archived"] == archived]
        found = [o for o in found if not email or o["email"].lower() == email]
        out: Fields = {"results": [_owner(o) for o in found[after : after + limit]]}
        if after + limit < len(found):
            out["paging"] = {"next": {"after": str(after + limit)}}
        return json_response(out)

    def owner(self, request: Request, owner: str) -> Response:
        key = "user_id" if request.arg("idProperty") == "userId" else "id"
        archived = request.arg("archived").lower() == "true"
        found = [
            o for o in self.store.meta("owners", []) if str(o[key]) == owner and o["archived"] == archived
        ]
        if not found:
            raise RuleError("resource not found", "OBJECT_NOT_FOUND", 404)
        return json_response(_owner(found[0]))


def _owner(owner: Fields) -> Fields:
    return {
        "id": owner["id"],
        "email": owner["email"],
        "type": "PERSON",
        "firstName": owner["first_name"],
        "lastName": owner["last_name"],
        "userId": None if owner["archived"] else owner["user_id"],
        "userIdIncludingInactive": owner["user_id"],
        "createdAt": "2020-01-01T00:00:00.000Z",
        "updatedAt": "2020-01-01T00:00:00.000Z",
        "archived": owner["archived"],
        "teams": [
            {"id": str(n), "name": t, "primary": n == 1}
            for n, t in enumerate(owner.get("teams", []), start=1)
        ],
    }
