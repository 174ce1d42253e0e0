"""allauth's OpenID Connect provider for the one that the environment names, at an address without a name in it."""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from allauth.utils import build_absolute_uri
from django.http import HttpRequest
from django.urls import reverse

from teams.sso.claims import Claims, ClaimsError, read_claims
from teams.sso.current import single_sign_on

PROVIDER = "oidc"
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")


class OidcAdapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]  # allauth ships no types
    """One round through the provider."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request, PROVIDER)

    @property
    def openid_config(self) -> dict[str, Any]:
        """What the provider says of itself. Raises OAuth2Error unless it is the issuer that is configured."""
        if not hasattr(self, "_read_config"):
            with get_adapter().get_requests_session() as session:
                answer = _object(session.request("GET", single_sign_on().discovery_url))
            if str(answer.get("issuer", "")).removesuffix("/") != single_sign_on().url:
                raise OAuth2Error("the provider calls itself by another issuer than GTMOPS_OIDC_URL")
            if missing := [name for name in ENDPOINTS if not isinstance(answer.get(name), str)]:
                raise OAuth2Error(f"the provider does not say its {', '.join(missing)}")
            self._read_config = answer
        return self._read_config

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        return str(build_absolute_uri(request, reverse("oidc_callback"), self.redirect_uri_protocol))

    def _fetch_user_info(self, access_token: str) -> dict[str, Any]:
        with get_adapter().get_requests_session() as session:
            headers = {"Authorization": f"Bearer {access_token}"}
            return _object(session.request("GET", self.profile_url, headers=headers))

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> Any:
        if not isinstance(kwargs["response"].get("id_token"), str):
            raise OAuth2Error("the provider sent no ID token")
        return super().complete_login(request, app, token, **kwargs)


class OidcProvider(OpenIDConnectProvider):  # type: ignore[misc]  # allauth ships no types
    """``extract_…`` get {id_token, userinfo}; of it nothing is kept but whose account it is."""

    id = PROVIDER
    oauth2_adapter_class = OidcAdapter
    pkce_enabled_default = True

    def get_login_url(self, request: HttpRequest, **kwargs: Any) -> str:
        return reverse("oidc_login")

    def get_callback_url(self) -> str:
        return reverse("oidc_callback")

    def get_oauth2_adapter(self, request: HttpRequest) -> OidcAdapter:
        return OidcAdapter(request)

    def get_scope(self) -> list[str]:
        return list(single_sign_on().scopes)

    def get_scope_from_request(self, request: HttpRequest) -> list[str]:
        return self.get_scope()  # a link decides neither what is asked for …

    def get_auth_params_from_request(self, request: HttpRequest, action: str) -> dict[str, str]:
        return {}  # … nor how

    def extract_uid(self, data: dict[str, Any]) -> str:
        return self.claims_of(data).uid

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, str]:
        claims = self.claims_of(data)
        return {"iss": claims.issuer, "sub": claims.subject}

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        return {}

    def extract_email_addresses(self, data: dict[str, Any]) -> list[Any]:
        return []

    def sociallogin_from_response(self, request: HttpRequest, response: dict[str, Any]) -> Any:
        login = super().sociallogin_from_response(request, response)
        login.claims = self.claims_of(response)
        return login

    def claims_of(self, data: dict[str, Any]) -> Claims:
        """Raises OAuth2Error for answers that contradict each other."""
        try:
            return read_claims(
                data.get("id_token") or {},
                data.get("userinfo") or {},
                issuer=single_sign_on().url,
                groups_claim=single_sign_on().groups_claim,
            )
        except ClaimsError as fault:
            raise OAuth2Error(str(fault)) from None


def _object(response: Any) -> dict[str, Any]:
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise OAuth2Error("the identity provider answered no JSON object")
    return answer


provider_classes = [OidcProvider]
