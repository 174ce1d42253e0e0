"""What SCIM says of this installation: how it is configured, which resources there are, which attributes they have."""

from __future__ import annotations

from functools import cache
from typing import Any

from scim2_models import Context, Group, ResourceType, ServiceProviderConfig, User

from teams.scim.resources import EnterpriseUser, ScimUser, base_url


def service_provider_config() -> dict[str, Any]:
    no = {"supported": False}
    config = ServiceProviderConfig.model_validate(
        {
            "schemas": [str(ServiceProviderConfig.__schema__)],
            "patch": {"supported": True},
            "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
            "filter": {"supported": True, "maxResults": 200},
            "changePassword": no,
            "sort": no,
            "etag": no,
            "authenticationSchemes": [
                {
                    "type": "oauthbearertoken",
                    "name": "Bearer token",
                    "description": "A token for SCIM, made in gtmops under Your profile.",
                    "primary": True,
                }
            ],
            "meta": {
                "resourceType": "ServiceProviderConfig",
                "location": f"{base_url()}/ServiceProviderConfig",
            },
        }
    )
    return _dumped(config)


@cache
def resource_types() -> dict[str, Any]:
    found = {}
    for model, endpoint in ((ScimUser, "Users"), (Group, "Groups")):
        kind = ResourceType.from_resource(model)
        whole = _dumped(kind) | {"endpoint": f"/{endpoint}"}
        whole["meta"] = {"resourceType": "ResourceType", "location": f"{base_url()}/ResourceTypes/{kind.id}"}
        found[str(kind.id)] = whole
    return found


@cache
def schemas() -> dict[str, Any]:
    found = {}
    for model in (User, EnterpriseUser, Group):
        schema = model.to_schema()
        whole = _dumped(schema)
        whole["meta"] = {"resourceType": "Schema", "location": f"{base_url()}/Schemas/{schema.id}"}
        found[str(schema.id)] = whole
    return found


def _dumped(model: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = model.model_dump(mode="json", scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    return dumped
