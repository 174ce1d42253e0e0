"""The steps of the guided connect; later each is the page where that part is changed."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from effects.tick import now_utc
from integrations import oauth
from integrations.connecting import guide, services, standard
from integrations.connecting.forms import GoLiveForm, SecretForm
from integrations.connecting.signing import try_and_keep
from integrations.connecting.steps import next_page, steps_of
from integrations.connecting.testing import in_words, last_found, look
from integrations.connecting.views import crm_of
from integrations.errors import ConnectorError
from integrations.oauth import NotOurs, OAuthApp
from integrations.registry import connector_for
from records.models import Connection
from teams.access import person_of


@require_GET
def sign_in(request: HttpRequest, name: str) -> HttpResponse:
    """Choose how we authenticate."""
    person_of(request)
    row = crm_of(name)
    context = {"connection": row, "ways": guide.WAYS[row.kind], "steps": _steps(row, "Sign in")}
    return render(request, "integrations/connections/sign_in.html", context)


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def credentials(request: HttpRequest, name: str, method: str) -> HttpResponse:
    """What to do in the CRM, and the fields of one way. Tried before kept; a refused secret is kept nowhere."""
    person = person_of(request)
    row = crm_of(name)
    way = guide.way_of(row.kind, method)
    if way is None:
        raise Http404
    form = SecretForm(way, request.POST if request.method == "POST" else None)
    error = ""
    if request.method == "POST" and form.is_valid():
        now = now_utc()
        try:
            if way.is_oauth:
                request.session[_GOING] = {
                    "connection": row.name,
                    "address": oauth.begin(
                        request.session, row.name, row.kind, _app(row, form.secret()), now
                    ),
                }
                return redirect("integrations:oauth_go", row.name)
            account = try_and_keep(row, way.method, form.secret(), person, now)
        except ConnectorError as fault:
            error = in_words(fault)
        else:
            messages.success(request, f"Signed in to {account.name or row.label}.")
            return redirect("integrations:connection_test", row.name)
    context = {
        "connection": row,
        "way": way,
        "steps_there": [_filled(step, row) for step in way.steps],
        "form": form,
        "error": error,
        "steps": _steps(row, "Sign in"),
        "callback": oauth.redirect_uri() if way.is_oauth else "",
    }
    return render(
        request, "integrations/connections/credentials.html", context, status=422 if form.is_bound else 200
    )


_GOING = "crm_sign_in_address"


@require_GET
def oauth_go(request: HttpRequest, name: str) -> HttpResponse:
    """A link to the CRM's own sign-in: our pages may not send a form to a foreign address."""
    person_of(request)
    row = crm_of(name)
    going = request.session.get(_GOING)
    if not going or going["connection"] != row.name or oauth.SESSION_KEY not in request.session:
        messages.info(request, "Enter the app first.")
        return redirect("integrations:credentials", row.name, oauth.METHOD)
    context = {"connection": row, "address": going["address"], "steps": _steps(row, "Sign in")}
    return render(request, "integrations/connections/oauth_go.html", context)


@require_GET
def oauth_callback(request: HttpRequest) -> HttpResponse:
    """Where the CRM sends the browser back to, with a code or with a refusal."""
    person = person_of(request)
    now = now_utc()
    try:
        pending = oauth.finish(request.session, request.GET.get("state", ""), now)
    except NotOurs as fault:
        messages.error(request, str(fault))
        return redirect("integrations:connections")
    request.session.pop(_GOING, None)
    row = crm_of(pending.connection)
    if refused := request.GET.get("error", ""):
        messages.error(request, oauth.refusal(refused, request.GET.get("error_description", "")))
        return redirect("integrations:credentials", row.name, oauth.METHOD)
    try:
        answer = oauth.provider_of(row.kind).exchange(
            pending.app, request.GET.get("code", ""), pending.verifier, oauth.redirect_uri()
        )
        secret = oauth.secret_of(pending.app, answer)
        session = {name: value for name, value in answer.items() if name != "refresh_token"}
        account = try_and_keep(row, oauth.METHOD, secret, person, now, session)
    except ConnectorError as fault:
        messages.error(request, in_words(fault))
        return redirect("integrations:credentials", row.name, oauth.METHOD)
    messages.success(request, f"Signed in to {account.name or row.label}.")
    return redirect("integrations:connection_test", row.name)


@require_http_methods(["GET", "POST"])
def test(request: HttpRequest, name: str) -> HttpResponse:
    """Who we are there, whether it is a sandbox, and which objects and rights lack."""
    person_of(request)
    row = crm_of(name)
    if request.method == "POST":
        look(row, now_utc())
        return redirect("integrations:connection_test", row.name)
    row.refresh_from_db()
    context = {
        "connection": row,
        "found": last_found(row),
        "steps": _steps(row, "Test"),
        "next_href": reverse("integrations:connection_objects", args=[row.name]),
        "twin": _twin(row),
    }
    return render(request, "integrations/connections/test.html", context)


@require_http_methods(["GET", "POST"])
def objects(request: HttpRequest, name: str) -> HttpResponse:
    """Which of the CRM's objects are read, and as what."""
    person_of(request)
    row = crm_of(name)
    error, offered = "", []
    try:
        offered = list(connector_for(row).list_objects())
    except ConnectorError as fault:
        error = in_words(fault)
    names = {one.name for one in offered}
    mapped = dict(row.mappings.values_list("remote_object", "field__object"))
    held: dict[str, str] = {**mapped, **(row.setup or {}).get("objects", {})}
    if request.method == "POST" and not error:
        chosen = {
            one: kind
            for one in names
            if (kind := request.POST.get(f"as:{one}", "")) in standard.FIELDS
            and f"take:{one}" in request.POST
        }
        if not chosen and row.setup is not None:
            error = "Choose at least one object; leads or contacts are a good beginning."
        elif row.setup is not None:
            services.choose_objects(row, dict(sorted(chosen.items())))
            return redirect(next_page(row))
        elif fresh := [one for one in sorted(chosen) if one not in mapped]:
            return redirect(f"{_mapping_page(row, fresh[0])}?as={chosen[fresh[0]]}")
        else:
            return redirect("integrations:connection_fields", row.name)
    usual = standard.USUAL.get(row.kind, {})
    order = {one: n for n, one in enumerate(usual)}
    first = standard.FIRST.get(row.kind, ())
    asked: dict[str, str] | None = request.POST.dict() if request.method == "POST" else None
    is_fresh = not held and row.setup is not None
    taken = {
        one for one in names if (f"take:{one}" in asked if asked is not None else is_fresh and one in first)
    }
    lines = [
        {
            "name": one.name,
            "label": one.label,
            "as": (asked or {}).get(f"as:{one.name}")
            or held.get(one.name)
            or standard.usual_object(row.kind, one.name),
            "is_taken": one.name in taken or (asked is None and one.name in held),
            "is_mapped": one.name in mapped and row.setup is None,
            "group": "usual" if one.name in usual else "custom" if one.is_custom else "other",
        }
        for one in sorted(offered, key=lambda one: (order.get(one.name, 99), one.label))
    ]
    context = {
        "connection": row,
        "groups": [
            (label, [line for line in lines if line["group"] == group], group)
            for group, label in (
                ("usual", "What most teams read"),
                ("custom", "Your own objects"),
                ("other", "Everything else our user can see"),
            )
        ],
        "kinds": [(key, words[0], words[1]) for key, words in standard.OBJECT_WORDS.items()],
        "missing": [one for one in first if offered and one not in names],
        "error": error,
        "steps": _steps(row, "Objects"),
    }
    return render(request, "integrations/connections/objects.html", context, status=_status(request, error))


@require_http_methods(["GET", "POST"])
def go_live(request: HttpRequest, name: str) -> HttpResponse:
    """The last step: reading begins. Nothing starts clocks for what happened before."""
    person_of(request)
    row = crm_of(name)
    left = services.unmapped_objects(row)
    ready = row.disconnected_at is None and not left and row.mappings.exists() and hasattr(row, "credential")
    form = GoLiveForm(request.POST or None)
    if request.method == "POST" and ready and form.is_valid():
        services.go_live(row, now_utc(), from_now=form.cleaned_data["when"] == "now")
        messages.success(request, f"{row.label} is being read. Nothing is written to it.")
        return redirect("integrations:runs")
    context = {
        "connection": row,
        "form": form,
        "left": left,
        "is_ready": ready,
        "objects": sorted(set(row.mappings.values_list("remote_object", flat=True))),
        "fields": row.mappings.count(),
        "steps": _steps(row, "Go live"),
    }
    return render(
        request, "integrations/connections/go_live.html", context, status=422 if form.is_bound else 200
    )


def _steps(row: Connection, here: str) -> list[object]:
    return list(steps_of(row, here)) if row.setup is not None else []


def _status(request: HttpRequest, error: str) -> int:
    return 422 if error and request.method == "POST" else 200


def _twin(row: Connection) -> Connection | None:
    """Another connection to the same organisation: its records would be here twice."""
    same = Connection.objects.filter(kind=row.kind, account_id=row.account_id).exclude(pk=row.pk)
    return same.first() if row.account_id else None


def _mapping_page(row: Connection, remote_object: str) -> str:
    return reverse("integrations:connection_mapping", args=[row.name, remote_object])


def _app(row: Connection, secret: dict[str, str]) -> OAuthApp:
    """A stand-in's or proxy's address takes the place of the CRM's own sign-in."""
    domain = secret.get("domain", "")
    own = f"https://{domain}.salesforce.com" if domain else ""
    return OAuthApp(secret["client_id"], secret["client_secret"], row.base_url or own)


def _filled(step: str, row: Connection) -> str:
    webhooks = f"{settings.SITE_URL}{reverse('integrations:hubspot_webhook', args=[row.name])}"
    return step.replace("{callback}", oauth.redirect_uri()).replace("{webhooks}", webhooks)
