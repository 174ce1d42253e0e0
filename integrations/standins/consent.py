"""The page on which somebody allows an app to use a CRM, as plain as can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from integrations.standins.http import Response


def consent_page(
    crm: str, app: str, scopes: Sequence[str], action: str, asked: Mapping[str, str]
) -> Response:
    """``asked``: what the app sent, given back with the answer, which is ``allow`` or ``deny``."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in asked.items()
    )
    listed = "".join(f"<li>{escape(scope)}</li>" for scope in scopes)
    body = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Allow access? · {escape(crm)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/standin.css"></head>
<body><main><h1>Allow access?</h1><p>The app <strong>{escape(app)}</strong> asks {escape(crm)} for:</p><ul>{listed}</ul>
<form method="post" action="{escape(action)}">{hidden}
<button type="submit" name="answer" value="allow">Allow</button>
<button type="submit" name="answer" value="deny">Deny</button></form></main></body></html>"""
    # Browsers hold a form's redirects to this policy, too, so that the app's address has to be in it.
    parts = urlsplit(asked.get("redirect_uri", ""))
    policy = (
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self' {parts.scheme}://{parts.netloc}"
    )
    return Response(200, body.encode(), headers={"Content-Security-Policy": policy})


def send_back(redirect_uri: str, **answer: str) -> Response:
    """To the app with an answer in the address."""
    parts = urlsplit(redirect_uri)
    query = urlencode([*parse_qsl(parts.query), *((k, v) for k, v in answer.items() if v)])
    return Response(303, headers={"Location": urlunsplit((*parts[:3], query, ""))})
