from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.generics import RetrieveAPIView

from teams.access import person_of
from teams.models import BusinessUnit, Person, Team
from teams.services import team_at


class BusinessUnitSerializer(serializers.ModelSerializer[BusinessUnit]):
    class Meta:
        model = BusinessUnit
        fields = ("key", "name")


class TeamSerializer(serializers.ModelSerializer[Team]):
    class Meta:
        model = Team
        fields = ("key", "name", "purpose")


class MeSerializer(serializers.ModelSerializer[Person]):
    business_units = BusinessUnitSerializer(many=True, read_only=True)
    team = serializers.SerializerMethodField()

    class Meta:
        model = Person
        fields = ("id", "email", "name", "job_title", "role", "time_zone", "team", "business_units")
        read_only_fields = fields

    def get_team(self, person: Person) -> dict[str, Any] | None:
        team = team_at(person, timezone.now())
        return dict(TeamSerializer(team).data) if team else None


class MeView(RetrieveAPIView[Person]):
    """The person the session or token belongs to."""

    serializer_class = MeSerializer
    http_method_names = ["get", "head"]  # as Django's View has it

    def get_object(self) -> Person:
        return person_of(self.request)
