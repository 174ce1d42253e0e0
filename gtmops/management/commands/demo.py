"""``manage.py demo``: the demo company, on a running pair of stand-in CRMs. Prints the sign-ins."""

from __future__ import annotations

import json
import urllib.request
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from definitions.signals.events import MOST_EVENTS, read_event
from definitions.signals.storing import store_signals
from gtmops.demo import WEBHOOK_SECRET, demo_seed, sign_ins
from gtmops.seeding import seed
from integrations.provision import apply as provision
from integrations.standins.fernhill.product import ProductUser, product_events
from records.models import Connection
from teams.demo import PASSWORD


class Command(BaseCommand):
    help = "Seed the demo company: people, two connections, the starter model, our fields in both CRMs."

    def handle(self, *args: Any, **options: Any) -> None:
        base_url = settings.STANDINS_URL
        if not base_url:
            raise CommandError("GTMOPS_STANDINS_URL is not set: start the demo with `python -m gtmops up`.")
        now = datetime.now(UTC)
        seed(demo_seed(base_url, now), now)
        self._subscribe(base_url)
        for connection in Connection.objects.filter(name__in=["hubspot", "salesforce"]).order_by("name"):
            run = provision(connection, now)
            if run.error:
                raise CommandError(f"{connection.label}: {run.error}")
        self._send_signals(base_url, now)
        self.stdout.write(f"Sign in as (password of all: {PASSWORD})")
        for role, email in sign_ins():
            self.stdout.write(f"  {role:<14}{email}")

    def _subscribe(self, base_url: str) -> None:
        """Ask the demo HubSpot for webhooks, as an admin does in HubSpot's own settings."""
        url = settings.SITE_URL + reverse("integrations:hubspot_webhook", args=["hubspot"])
        body = json.dumps({"url": url, "secret": WEBHOOK_SECRET}).encode()
        request = urllib.request.Request(  # noqa: S310 - the address is our own stand-in's, http by design
            f"{base_url}/standin/webhooks", data=body, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            if answer.status >= 300:
                raise CommandError(f"The demo HubSpot refused the webhook subscription: {answer.status}")

    def _send_signals(self, base_url: str, now: datetime) -> None:
        """What Fernhill's product saw, of the users its CRM knows; they are matched as their contacts are read."""
        events = [read_event(event, now) for event in product_events(_product_users(base_url), now)]
        for start in range(0, len(events), MOST_EVENTS):
            store_signals("product", events[start : start + MOST_EVENTS], now)


def _product_users(base_url: str) -> list[ProductUser]:
    """Every contact of the demo HubSpot that has a user id in the product."""
    found: list[ProductUser] = []
    after = ""
    while True:
        body = {
            "filterGroups": [{"filters": [{"propertyName": "product_user_id", "operator": "HAS_PROPERTY"}]}],
            "properties": ["product_user_id", "product_plan"],
            "sorts": ["hs_object_id"],
            "limit": 200,
            **({"after": after} if after else {}),
        }
        request = urllib.request.Request(  # noqa: S310 - the address is our own stand-in's, http by design
            f"{base_url}/crm/v3/objects/contacts/search",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": "Bearer pat-demo-fernhill"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            page = json.load(answer)
        found += [
            ProductUser(row["properties"]["product_user_id"], row["properties"]["product_plan"])
            for row in page["results"]
        ]
        after = str(page.get("paging", {}).get("next", {}).get("after", ""))
        if not after:
            return found
