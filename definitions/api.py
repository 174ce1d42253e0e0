"""The operating model over the API: reading it, asking for agreement and giving it; the same functions as the pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any, ClassVar

from django.http import Http404
from django.urls import URLPattern, URLResolver, path
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from definitions.agreement import signing as agreement
from definitions.agreement.drafts import AgreementError, Conflict, Line, NotYours, Refused, Stale, load_line
from definitions.agreement.parties import required_teams, team_names
from definitions.in_force import load_typed_model
from definitions.item_page import standing_of
from definitions.model_list import Wanted, item_of, load_list
from definitions.models import Version
from definitions.sections import sections
from effects.tick import now_utc
from teams.access import person_of


def _moment(**kwargs: Any) -> serializers.DateTimeField:
    return serializers.DateTimeField(default_timezone=UTC, allow_null=True, **kwargs)


class SignatureSerializer(serializers.Serializer[Any]):
    team = serializers.SlugField(source="team.key")
    person = serializers.CharField(source="person.name", allow_null=True, default=None)
    signed_at = _moment()
    is_forced = serializers.BooleanField(help_text="Put in force by a system admin without the team.")


class ObjectionSerializer(serializers.Serializer[Any]):
    team = serializers.SlugField(source="team.key")
    person = serializers.CharField(source="person.name", allow_null=True, default=None)
    text = serializers.CharField()
    made_at = _moment()


class VersionSerializer(serializers.Serializer[Version]):
    """One version. ``standing`` is what pages say of it; ``asks`` the teams whose agreement it needs."""

    number = serializers.IntegerField()
    state = serializers.ChoiceField(Version.State.choices)
    standing = serializers.SerializerMethodField()
    revision = serializers.IntegerField()
    effective_from = _moment()
    retired_at = _moment()
    wanted_from = _moment()
    proposed_at = _moment()
    needs_agreement = serializers.BooleanField()
    asks = serializers.SerializerMethodField()
    flips = serializers.JSONField(allow_null=True)
    note = serializers.CharField()
    signatures = SignatureSerializer(many=True, source="signatures.all")
    objections = ObjectionSerializer(many=True, source="objections.all")
    body = serializers.JSONField()

    def get_standing(self, version: Version) -> str:
        return standing_of(version, self.context.get("in_force"), self.context["now"])[0]

    def get_asks(self, version: Version) -> list[str]:
        return list(required_teams(version))


class ItemSerializer(serializers.Serializer[Any]):
    """One thing of the model, with its sentence; ``version`` is in force, or a draft where nothing is."""

    section = serializers.CharField()
    key = serializers.CharField()
    title = serializers.CharField()
    sentence = serializers.CharField()
    version = serializers.IntegerField(source="version.number")
    is_in_force = serializers.BooleanField()
    effective_from = _moment(source="version.effective_from")
    draft = serializers.IntegerField(source="draft.number", allow_null=True, default=None)
    draft_state = serializers.CharField(source="draft.state", allow_null=True, default=None)


class ModelQuery(serializers.Serializer[Any]):
    """What the list may be narrowed by."""

    section = serializers.CharField(required=False)
    owner = serializers.SlugField(required=False, help_text="Key of the team that owns it.")
    state = serializers.ChoiceField(["draft", "proposed"], required=False)
    q = serializers.CharField(required=False)


DetailSchema = inline_serializer(
    "ModelItemDetail",
    {
        "section": serializers.CharField(),
        "key": serializers.CharField(),
        "title": serializers.CharField(),
        "sentence": serializers.CharField(),
        "in_force": serializers.IntegerField(allow_null=True, help_text="Number of the version in force."),
        "body": serializers.JSONField(help_text="Of the version in force, else of the newest."),
        "versions": VersionSerializer(many=True),
    },
)
FaultSchema = inline_serializer(
    "ModelFault",
    {"text": serializers.CharField(), "faults": serializers.ListField(child=serializers.CharField())},
)


@extend_schema(parameters=[ModelQuery], responses={200: ItemSerializer(many=True)})
class ModelView(APIView):
    """Everything that is in force or being written, section by section."""

    http_method_names = ["get", "head"]

    def get(self, request: Request) -> Response:
        query = ModelQuery(data=request.query_params)
        if not query.is_valid():
            return _fault(400, "Some filters can't be read.")
        asked = query.validated_data
        wanted = Wanted(
            asked.get("q", ""), asked.get("section", ""), asked.get("owner", ""), asked.get("state", "")
        )
        found = load_list(person_of(request), wanted, now_utc())
        return Response(ItemSerializer([i for g in found.groups for i in g.items], many=True).data)


@extend_schema(responses={200: DetailSchema})
class ModelItemView(APIView):
    """One thing of the model with every version, the newest first, who signed it and who objected."""

    http_method_names = ["get", "head"]

    def get(self, request: Request, section: str, key: str) -> Response:
        return Response(_detail(_line(section, key)))


class ProposeInput(serializers.Serializer[Any]):
    """``revision``: of the draft that was read; a newer one is refused."""

    revision = serializers.IntegerField(min_value=1)
    wanted_from = serializers.DateTimeField(required=False, allow_null=True, default=None)
    signs = serializers.ListField(
        child=serializers.SlugField(), required=False, default=list,
        help_text="Teams for which you agree at once.",
    )  # fmt: skip


class SignInput(serializers.Serializer[Any]):
    """``version`` and ``revision``: what was read."""

    version = serializers.IntegerField(min_value=1)
    revision = serializers.IntegerField(min_value=1)
    team = serializers.SlugField(help_text="Key of the team that agrees.")


class ActView(APIView):
    """One act. Sent again with the same body it is one act."""

    takes: ClassVar[type[serializers.Serializer[Any]]]
    http_method_names = ["post"]

    def act(self, line: Line, request: Request, said: Mapping[str, Any]) -> Version:
        """Do it, by whoever is signed in; each act says how."""
        raise NotImplementedError

    def handle(self, request: Request, section: str, key: str) -> Response:
        line = _line(section, key)
        given = self.takes(data=request.data)
        if not given.is_valid():
            return _fault(
                400, "Some fields can't be read.", [f"{name}: {e}" for name, e in given.errors.items()]
            )
        try:
            self.act(line, request, given.validated_data)
        except NotYours as error:
            return _fault(403, error.text)
        except (Stale, Conflict) as error:
            return _fault(409, error.text)
        except Refused as error:
            return _fault(422, error.text, [str(fault) for fault in error.faults])
        except AgreementError as error:
            return _fault(422, error.text)
        return Response(_detail(_line(section, key)))


class ProposeView(ActView):
    """Ask the teams to agree to the open draft; only words changed: put it in force."""

    takes = ProposeInput

    @extend_schema(
        operation_id="model_propose",
        request=ProposeInput,
        responses={200: DetailSchema, **dict.fromkeys((400, 403, 409, 422), FaultSchema)},
    )  # type: ignore[untyped-decorator]  # drf-spectacular ships no types
    def post(self, request: Request, section: str, key: str) -> Response:
        return self.handle(request, section, key)

    def act(self, line: Line, request: Request, said: Mapping[str, Any]) -> Version:
        # Asked before: the version that was is what is asked for again.
        draft = line.draft or next((v for v in line.versions if v.revision == said["revision"]), None)
        if draft is None:
            raise Stale("There is no draft.")
        if draft.state == Version.State.SIGNED:
            return draft
        return agreement.propose(draft, person_of(request), now_utc(), **said)


class SignView(ActView):
    """Agree for a team; the last agreement puts the version in force."""

    takes = SignInput

    @extend_schema(
        operation_id="model_sign",
        request=SignInput,
        responses={200: DetailSchema, **dict.fromkeys((400, 403, 409, 422), FaultSchema)},
    )  # type: ignore[untyped-decorator]  # drf-spectacular ships no types
    def post(self, request: Request, section: str, key: str) -> Response:
        return self.handle(request, section, key)

    def act(self, line: Line, request: Request, said: Mapping[str, Any]) -> Version:
        version = next((v for v in line.versions if v.number == said["version"]), None)
        if version is None:
            raise Stale(f"There is no version {said['version']}.")
        return agreement.sign(version, said["team"], person_of(request), now_utc(), revision=said["revision"])


def _line(section: str, key: str) -> Line:
    line = load_line(section, key)
    if section not in sections() or not line.versions:
        raise Http404
    return line


def _detail(line: Line) -> dict[str, Any]:
    now = now_utc()
    typed = load_typed_model()
    in_force = typed.versions.at(line.section, line.key, now)
    shown = in_force or line.versions[0]
    item = item_of(sections()[line.section], shown, typed, team_names(), {})
    context = {"now": now, "in_force": in_force}
    return {
        "section": line.section,
        "key": line.key,
        "title": item.title,
        "sentence": item.sentence,
        "in_force": in_force.number if in_force else None,
        "body": shown.body,
        "versions": VersionSerializer(
            [*line.versions],  # type: ignore[arg-type]  # the stubs forget many=True
            many=True,
            context=context,
        ).data,
    }


def _fault(status: int, text: str, faults: list[str] | None = None) -> Response:
    return Response({"text": text, "faults": faults or []}, status=status)


urlpatterns: list[URLPattern | URLResolver] = [
    path("model/", ModelView.as_view(), name="model"),
    path("model/<slug:section>/<slug:key>/", ModelItemView.as_view(), name="model_item"),
    path("model/<slug:section>/<slug:key>/propose/", ProposeView.as_view(), name="model_propose"),
    path("model/<slug:section>/<slug:key>/sign/", SignView.as_view(), name="model_sign"),
]
