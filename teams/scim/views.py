"""SCIM 2.0 (RFC 7644): the routes, and its shape for whatever goes wrong."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import pghistory
from django.core.exceptions import RequestDataTooBig
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe
from pydantic import ValidationError
from scim2_models import (
    Context,
    Error,
    Group,
    InvalidSyntaxException,
    InvalidValueException,
    ListResponse,
    NotFoundException,
    PatchOp,
    PayloadTooLargeException,
    ResponseParameters,
    SCIMException,
)

from teams.api_access import token_of
from teams.models import Person, ProvisionedGroup
from teams.scim import describing, groups, people
from teams.scim.filters import Column, condition_of
from teams.scim.resources import POLICY, READ_ONLY, ScimUser, group_of, user_of

CONTENT_TYPE = "application/scim+json"
MOST_IN_PAGE = 200
MOST_OPERATIONS = 1000

# Made once: the library keeps such classes by weak reference only, and makes them slowly.
USER_PATCH: Any = PatchOp[ScimUser]
GROUP_PATCH: Any = PatchOp[Group]
USER_PARAMETERS: Any = ResponseParameters[ScimUser]
GROUP_PARAMETERS: Any = ResponseParameters[Group]

View = Callable[..., HttpResponse]


def scim(view: View) -> View:
    """Errors in SCIM's shape; changes stand in the history as the token's owner's, by SCIM. The token was looked at by
    `teams.middleware`, and no session opens these routes, so that there is no form to protect."""

    @csrf_exempt
    @functools.wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        token = token_of(request)
        if token is not None:
            request.user = token.person
        try:
            with POLICY, pghistory.context(source="SCIM", token=token.hint if token else ""):
                return view(request, *args, **kwargs)
        except SCIMException as fault:
            return _say(fault.to_error(), fault.status)
        except ValidationError as fault:
            error = Error.from_validation_errors(fault)[0]
            return _say(error, error.status or 400)

    return answered


def _say(error: Error, status: int) -> HttpResponse:
    error.status = status
    return _json(error.model_dump(mode="json"), status)


def _json(body: Any, status: int = 200, location: str = "") -> HttpResponse:
    answer = HttpResponse(orjson.dumps(body), status=status, content_type=CONTENT_TYPE)
    if location:
        answer["Location"] = location
    return answer


# --- what can be done here -----------------------------------------------------------------------------------------


@scim
@require_safe
def config(request: HttpRequest) -> HttpResponse:
    return _json(describing.service_provider_config())


@scim
@require_safe
def resource_types(request: HttpRequest, name: str = "") -> HttpResponse:
    return _described(describing.resource_types(), name)


@scim
@require_safe
def schemas(request: HttpRequest, name: str = "") -> HttpResponse:
    return _described(describing.schemas(), name)


def _described(all_of_them: Mapping[str, Any], name: str) -> HttpResponse:
    if not name:
        return _json(_listed(list(all_of_them.values()), len(all_of_them), 1))
    if name not in all_of_them:
        raise NotFoundException(detail=f"There is no {name[:80]}.")
    return _json(all_of_them[name])


@scim
@require_http_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def unknown(request: HttpRequest, rest: str) -> HttpResponse:
    raise NotFoundException(detail=f"There is nothing at /scim/v2/{rest[:80]}.")


# --- people --------------------------------------------------------------------------------------------------------


@scim
@require_http_methods(["GET", "HEAD", "POST"])
def users(request: HttpRequest) -> HttpResponse:
    editor = _editor(request)
    if request.method == "POST":
        said = ScimUser.model_validate(_body(request), scim_ctx=Context.RESOURCE_CREATION_REQUEST)
        return _user(request, people.add(editor, said, timezone.now()), 201)
    return _list(request, people.people_of(editor), people.COLUMNS, user_of, USER_PARAMETERS)


@scim
@require_http_methods(["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def user(request: HttpRequest, number: str) -> HttpResponse:
    editor, now = _editor(request), timezone.now()
    person = people.find(editor, number)
    if request.method == "PUT":
        said = ScimUser.model_validate(_body(request), scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)
        return _user(request, people.replace(editor, person, said, now))
    if request.method == "PATCH":
        return _user(request, people.patch(editor, person, _patch(request, USER_PATCH).patch, now))
    if request.method == "DELETE":
        people.remove(editor, person, now)
        return HttpResponse(status=204)
    return _user(request, person)


def _user(request: HttpRequest, person: Person, status: int = 200) -> HttpResponse:
    return _resource(request, user_of(person), USER_PARAMETERS, status)


# --- groups --------------------------------------------------------------------------------------------------------


@scim
@require_http_methods(["GET", "HEAD", "POST"])
def all_groups(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        said = Group.model_validate(_body(request), scim_ctx=Context.RESOURCE_CREATION_REQUEST)
        return _group(request, groups.add(_editor(request), said, timezone.now()), 201)
    return _list(request, groups.groups(), groups.COLUMNS, group_of, GROUP_PARAMETERS)


@scim
@require_http_methods(["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def group(request: HttpRequest, number: str) -> HttpResponse:
    editor, now = _editor(request), timezone.now()
    found = groups.find(number)
    if request.method == "PUT":
        said = Group.model_validate(_body(request), scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)
        return _group(request, groups.change(editor, found, said, now))
    if request.method == "PATCH":
        return _group(request, groups.patch(editor, found, _patch(request, GROUP_PATCH).patch, now))
    if request.method == "DELETE":
        groups.remove(editor, found, now)
        return HttpResponse(status=204)
    return _group(request, found)


def _group(request: HttpRequest, found: ProvisionedGroup, status: int = 200) -> HttpResponse:
    return _resource(request, group_of(found), GROUP_PARAMETERS, status)


# --- in and out ----------------------------------------------------------------------------------------------------


def _editor(request: HttpRequest) -> Person:
    assert isinstance(request.user, Person)  # noqa: S101 - the door let nobody else in
    return request.user


def _body(request: HttpRequest) -> dict[str, Any]:
    try:
        body = orjson.loads(request.body)
    except RequestDataTooBig:
        raise PayloadTooLargeException(detail="The request is too long.") from None
    except (orjson.JSONDecodeError, RecursionError):
        raise InvalidSyntaxException(detail="The request is no JSON.") from None
    if not isinstance(body, dict):
        raise InvalidSyntaxException(detail="The request is no JSON object.")
    # Okta sends what is ours to say, too, and empty.
    return {key: value for key, value in body.items() if key.lower() not in READ_ONLY}


def _patch(request: HttpRequest, model: Any) -> Any:
    body = _body(request)
    operations = body.get("Operations", body.get("operations"))
    if isinstance(operations, list) and len(operations) > MOST_OPERATIONS:
        raise InvalidValueException(detail=f"{MOST_OPERATIONS:,} operations at most.")
    if isinstance(operations, list):
        body["Operations"] = [part for one in operations for part in _plain(one)]
    return model.model_validate(body, scim_ctx=Context.RESOURCE_PATCH_REQUEST)


def _plain(operation: Any) -> list[Any]:
    """An operation without a path, as the standard has it: Okta renames a group with its id beside the name, and Entra
    ID writes a path with a filter where the name of an attribute stands."""
    if (
        not isinstance(operation, dict)
        or operation.get("path")
        or not isinstance(operation.get("value"), dict)
    ):
        return [operation]
    value = {key: one for key, one in operation["value"].items() if key.lower() not in READ_ONLY}
    paths = [key for key in value if "[" in key]
    parts = [{**operation, "path": key, "value": value.pop(key)} for key in paths]
    return [{**operation, "value": value}, *parts] if value or not parts else parts


def _list(
    request: HttpRequest,
    found: QuerySet[Any],
    columns: Mapping[str, Column],
    shown: Callable[[Any], Any],
    model: Any,
) -> HttpResponse:
    if asked := request.GET.get("filter", "").strip():
        found = found.filter(condition_of(asked, columns)).distinct()
    start = max(_number(request, "startIndex", 1), 1)
    count = min(max(_number(request, "count", MOST_IN_PAGE), 0), MOST_IN_PAGE)
    parameters = _parameters(request, model)
    rows = [
        shown(one).model_dump(
            mode="json", scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=parameters
        )
        for one in found[start - 1 : start - 1 + count]
    ]
    return _json(_listed(rows, found.count(), start))


def _listed(rows: list[Any], total: int, start: int) -> dict[str, Any]:
    return {
        "schemas": [str(ListResponse.__schema__)],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": len(rows),
        "Resources": rows,
    }


def _number(request: HttpRequest, name: str, default: int) -> int:
    text = request.GET.get(name, "").strip()
    if not text:
        return default
    if not text.removeprefix("-").isdecimal() or len(text) > 9 or not text.isascii():
        raise InvalidValueException(detail=f"{name} is no whole number.")
    return int(text)


def _parameters(request: HttpRequest, model: Any) -> Any:
    asked = {
        name: request.GET[name]
        for name in ("attributes", "excludedAttributes")
        if request.GET.get(name, "").strip()
    }
    return model.model_validate(asked) if asked else None


def _resource(request: HttpRequest, said: Any, model: Any, status: int) -> HttpResponse:
    body = said.model_dump(
        mode="json",
        scim_ctx=Context.RESOURCE_CREATION_RESPONSE if status == 201 else Context.RESOURCE_QUERY_RESPONSE,
        response_parameters=_parameters(request, model),
    )
    return _json(body, status, location=str(said.meta.location) if status == 201 else "")
