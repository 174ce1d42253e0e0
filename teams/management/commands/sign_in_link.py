from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from teams.models import Person
from teams.sso.once import GOOD_FOR_SECONDS, link_for


class Command(BaseCommand):
    help = "Print a link that signs a system admin in once, where the identity provider can't."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="of a system admin")

    def handle(self, *args: Any, **options: Any) -> None:
        person = Person.objects.filter(email=options["email"].strip().lower()).first()
        if person is None:
            raise CommandError(f"There is nobody with the address {options['email']}.")
        try:
            path = link_for(person)
        except ValueError as fault:
            raise CommandError(str(fault)) from None
        self.stdout.write(f"{settings.SITE_URL}{path}")
        self.stdout.write(f"Good once, for {GOOD_FOR_SECONDS // 60} minutes.")
