from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from teams.access import may_edit, person_of
from teams.forms import PeopleFilter, PersonForm, ProfileForm, TokenForm
from teams.models import ApiToken, Person, Scope
from teams.paging import page_of
from teams.scim.resources import base_url, provisioned_of
from teams.services import end_sessions
from teams.tokens import issue_token, revoke_token

PEOPLE_PER_PAGE = 100


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    viewer = person_of(request)
    filters = PeopleFilter(request.GET)
    found = filters.find(viewer)
    chosen = filters.cleaned_data
    page = page_of(request, found, PEOPLE_PER_PAGE)
    context = {
        "page": page,
        "groups": group_by_team(page.object_list),
        "filter_bar": filters.bar(),
        "search": chosen.get("q", ""),
        "is_filtered": any(chosen.values()),
    }
    return render(request, "teams/people.html", context)


def group_by_team(people: Iterable[Person]) -> list[tuple[str, list[Person]]]:
    """(team name or "", members) for people that `with_team_name` came with, in the order they come in."""
    return [(name or "", list(members)) for name, members in groupby(people, key=attrgetter("team_name"))]


@require_safe
def person(request: HttpRequest, person_id: int) -> HttpResponse:
    viewer = person_of(request)
    people = Person.objects.visible_to(viewer).select_related("manager", "provisioned")
    found = get_object_or_404(people, pk=person_id)
    context = {
        "person": found,
        "stays": found.memberships.select_related("team").order_by("-started_at"),
        "absences": found.absences.standing().filter(ends_at__gt=timezone.now()).select_related("cover"),
        "reports": found.reports.active().visible_to(viewer),
        "may_edit": may_edit(viewer, found),
        "provisioned": provisioned_of(found),
        "pushed_groups": [member.group for member in found.provisioned_groups.select_related("group")],
    }
    return render(request, "teams/person.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def person_add(request: HttpRequest) -> HttpResponse:
    form = PersonForm(request.POST or None, editor=person_of(request))
    if request.method == "POST" and form.is_valid():
        added = form.save()
        how = "after “Forgot your password?”" if settings.PASSWORDS else "with their company account"
        messages.success(request, f"{added.name} is added. They sign in {how}.")
        return redirect(added)
    return render(request, "teams/person_form.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
def person_edit(request: HttpRequest, person_id: int) -> HttpResponse:
    editor = person_of(request)
    found = get_object_or_404(Person.objects.visible_to(editor), pk=person_id)
    if not may_edit(editor, found):
        raise PermissionDenied("Only a system admin changes a system admin.")
    name = found.name
    form = PersonForm(request.POST or None, instance=found, editor=editor)
    if request.method == "POST" and form.is_valid():
        messages.success(request, f"Saved: {form.save().name}.")
        return redirect(found)
    return render(request, "teams/person_form.html", {"form": form, "person": found, "name": name})


@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    me = person_of(request)
    form = ProfileForm(request.POST or None, instance=me)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your profile is saved.")
        return redirect("teams:profile")
    tokens = me.api_tokens.filter(revoked_at__isnull=True)
    return render(request, "teams/profile.html", {"form": form, "tokens": tokens, "now": timezone.now()})


@require_POST
def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    end_sessions(person_of(request))
    request.session.flush()
    return redirect("account_login")


@require_http_methods(["GET", "HEAD", "POST"])
def token_add(request: HttpRequest) -> HttpResponse:
    me = person_of(request)
    form = TokenForm(request.POST or None, person=me)
    if request.method == "POST" and form.is_valid():
        token, secret = issue_token(
            me,
            name=form.cleaned_data["name"],
            scope=form.cleaned_data["scope"],
            expires_at=timezone.now() + form.lifetime(),
        )
        # Shown in this answer and never again, so it is not put into the session for a redirect.
        context = {
            "token": token,
            "secret": secret,
            "scim_url": base_url() if token.scope == Scope.SCIM else "",
        }
        return render(request, "teams/token_added.html", context)
    return render(request, "teams/token_form.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
def token_revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, person=person_of(request), pk=token_id, revoked_at__isnull=True)
    if request.method == "POST":
        revoke_token(token, timezone.now())
        messages.success(request, f"“{token.name}” no longer works.")
        return redirect("teams:profile")
    return render(request, "teams/token_revoke.html", {"token": token})
