"""What HubSpot documents, or is seen to do, and the descriptions lack. Each with where it stands."""

from __future__ import annotations

from typing import Any

ADDED: dict[str, dict[str, Any]] = {
    # https://developers.hubspot.com/docs/api-reference/legacy/authentication/manage-oauth-tokens
    "POST /oauth/v3/token": {
        "form": ["client_id", "client_secret", "code", "grant_type", "redirect_uri", "refresh_token"]
    },
    # https://developers.hubspot.com/docs/api-reference/latest/account/account-information/guide
    "GET /account-info/v3/details": {},
}
"""Operations that the descriptions don't have."""

# https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
_SORT = {
    "keys": {"propertyName": "string", "direction": {"enum": ["ASCENDING", "DESCENDING"]}},
    "required": ["propertyName"],
}
# https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide
_AFTER = "string"


def corrected(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts with what is known better: a search sorts by objects, a create needs no associations, a value may be
    null (it clears), and 200 is documented for everything that is here."""
    for name, fact in facts.items():
        if name.endswith("/search"):
            fact["body"]["keys"]["sorts"] = {"each": _SORT}
            fact["body"]["required"] = []
        body = fact.get("body")
        if name.startswith("POST /crm/v3/objects/") and isinstance(body, dict):
            for part in (body, body.get("keys", {}).get("inputs", {}).get("each", {})):
                if isinstance(part, dict) and "associations" in part.get("required", []):
                    part["required"] = [k for k in part["required"] if k != "associations"]
    # A page of one record's associations goes on with the input's own ``after``.
    read = facts["POST /crm/v4/associations/{fromObjectType}/{toObjectType}/batch/read"]
    read["body"]["keys"]["inputs"]["each"]["keys"].setdefault("after", _AFTER)
    return {**facts, **ADDED}
