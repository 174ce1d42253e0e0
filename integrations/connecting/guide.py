"""What an admin does in the CRM before a connection works, way by way, and what is asked for here. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from integrations import oauth
from records.models import Connection


@dataclass(frozen=True)
class SecretField:
    """One value of a way's secret. ``is_hidden``: never shown again, not even in the form that refuses it."""

    name: str
    label: str
    help: str = ""
    is_hidden: bool = False
    is_long: bool = False
    is_required: bool = True
    initial: str = ""


@dataclass(frozen=True)
class Way:
    """One way to sign in. ``steps``: what to do in the CRM, in order; ``method``: the credential's.

    ``{callback}`` in a step stands for our callback address."""

    method: str
    title: str
    when: str
    steps: Sequence[str]
    fields: Sequence[SecretField]

    @property
    def is_oauth(self) -> bool:
        return self.method == oauth.METHOD


_INTEGRATION_USER = (
    "Make a user for gtmops, so that its changes can be told from people's: licence “Salesforce Integration”, profile "
    "“Minimum Access - API Only Integrations”, permission set licence “Salesforce API Integration”."
)
_PERMISSIONS = (
    "Give it a permission set with “API Enabled”; Read and “View All Records” on each object to be read, read access "
    "to its fields; “View All Users”, “Access Activities”, “View and Edit Converted Leads”."
)
_APP = (
    "In Setup, App Manager, make an External Client App and switch on OAuth with the scope “Manage user data via APIs "
    "(api)”."
)
_CERTIFICATE = (
    "Make a key pair (openssl req -x509 -newkey rsa:2048), upload the certificate to the app under “Use digital "
    "signatures” and switch on “JWT Bearer Flow”."
)
_DOMAIN = SecretField(
    "domain", "My Domain", "As in acme.my.salesforce.com: acme.my. For a sandbox: acme--dev.sandbox.my."
)
_KEY = SecretField("consumer_key", "Consumer key")

SALESFORCE = (
    Way(
        "client_credentials",
        "Client credentials",
        "The simplest: one app, one user, nothing to renew.",
        (
            _INTEGRATION_USER,
            _PERMISSIONS,
            _APP,
            "In the app's policies switch on “Client Credentials Flow” and choose that user as “Run As”.",
            "Copy consumer key and secret from the app's settings.",
        ),
        (_DOMAIN, _KEY, SecretField("consumer_secret", "Consumer secret", is_hidden=True)),
    ),
    Way(
        "jwt_bearer",
        "JWT bearer",
        "Where your security team wants a certificate instead of a shared secret.",
        (
            _INTEGRATION_USER,
            _PERMISSIONS,
            _APP,
            _CERTIFICATE,
            "In the app's policies set “Admin approved users are pre-authorized” and add the user's permission set.",
            "A new app may need ten minutes before it answers.",
        ),
        (
            SecretField("domain", "Where it signs in", "login, or test for a sandbox.", initial="login"),
            _KEY,
            SecretField("username", "User name of the integration user"),
            SecretField(
                "private_key",
                "Private key",
                "The PEM text, from “BEGIN” to “END”.",
                is_hidden=True,
                is_long=True,
            ),
        ),
    ),
    Way(
        oauth.METHOD,
        "Sign in at Salesforce",
        "You sign in there as the integration user and allow the app; the session renews itself.",
        (
            _INTEGRATION_USER,
            _PERMISSIONS,
            _APP + " Add the scope “Perform requests at any time (refresh_token, offline_access)”.",
            "Give the app this callback address: {callback}",
            "Switch on “Require Proof Key for Code Exchange (PKCE)” and, under refresh tokens, rotation.",
            "Copy consumer key and secret from the app's settings.",
        ),
        (
            SecretField(
                "domain",
                "Where you sign in",
                "login, test for a sandbox, or your My Domain such as acme.my.",
                initial="login",
            ),
            SecretField("client_id", "Consumer key"),
            SecretField("client_secret", "Consumer secret", is_hidden=True),
        ),
    ),
)

_SCOPES = (
    "Give it the scopes crm.objects.contacts.read, crm.objects.companies.read, crm.objects.deals.read and "
    "crm.objects.owners.read; sales-email-read if the text of e-mails is mapped. For writing later: "
    "crm.objects.contacts.write, crm.objects.deals.write and, to create our properties, crm.schemas.contacts.write and "
    "crm.schemas.deals.write."
)
_STATIC_APP = (
    "On the developer platform make a project with an app of auth type “static”, and install it in your account. "
    "HubSpot no longer offers new private apps; one that exists works on."
)

HUBSPOT = (
    Way(
        "service_key",
        "Service key",
        "The simplest. HubSpot sends no webhooks with it, so changes are seen within a minute.",
        (
            "In HubSpot open Settings, Account setup, Integrations, Service keys and make a key for gtmops.",
            _SCOPES,
            "Copy the key; HubSpot shows it once.",
        ),
        (SecretField("access_token", "Service key", is_hidden=True),),
    ),
    Way(
        "private_app_token",
        "App token",
        "An app with static auth, or a private app that you have already. With webhooks, changes are here in seconds.",
        (
            _STATIC_APP,
            _SCOPES,
            "For webhooks point the app's target URL to {webhooks} and copy the app's client secret.",
            "Copy the app's access token.",
        ),
        (
            SecretField("access_token", "Access token", is_hidden=True),
            SecretField(
                "client_secret",
                "Client secret of the app",
                "Only for webhooks: they are signed with it.",
                is_hidden=True,
                is_required=False,
            ),
        ),
    ),
    Way(
        oauth.METHOD,
        "Sign in at HubSpot",
        "You sign in there and allow the app; the token renews itself every half hour.",
        (
            "On the developer platform make an app of auth type “oauth”.",
            _SCOPES,
            "Give the app this redirect address: {callback}",
            "Copy client id and client secret.",
        ),
        (
            SecretField("client_id", "Client id"),
            SecretField("client_secret", "Client secret", is_hidden=True),
        ),
    ),
)

WAYS: Mapping[str, Sequence[Way]] = {
    Connection.Kind.SALESFORCE.value: SALESFORCE,
    Connection.Kind.HUBSPOT.value: HUBSPOT,
}

KINDS = (
    (
        "salesforce",
        "Salesforce",
        "Leads, contacts, opportunities, tasks and events, with their field history.",
    ),
    (
        "hubspot",
        "HubSpot",
        "Contacts, companies, deals, calls, meetings and e-mails, with their property history.",
    ),
)

READ_RIGHTS = {
    "salesforce": (
        "In the permission set of our user give Read and “View All Records” on {object}, and read access to its fields."
    ),
    "hubspot": "Give the app or key the scope {scope}, then test again.",
}
WRITE_RIGHTS = {
    "salesforce": "Assign our user the permission set Gtmops_Integration, and give it Edit on {object}.",
    "hubspot": "In the property's settings let apps edit it; make it no calculated property.",
}
SCOPES = {
    "contacts": "crm.objects.contacts.read",
    "companies": "crm.objects.companies.read",
    "deals": "crm.objects.deals.read",
    "leads": "crm.objects.leads.read",
}
OWNER_RIGHTS = {
    "salesforce": "Give our user “View All Users”, or nobody's name can be shown and no work can be given to people.",
    "hubspot": "Give the app or key the scope crm.objects.owners.read, or nobody's name can be shown.",
}


def way_of(kind: str, method: str) -> Way | None:
    return next((way for way in WAYS.get(kind, ()) if way.method == method), None)


def read_right(kind: str, remote_object: str) -> str:
    """What to change in the CRM so that an object can be read."""
    scope = SCOPES.get(remote_object, SCOPES["contacts"])
    return READ_RIGHTS[kind].format(object=remote_object, scope=scope)
