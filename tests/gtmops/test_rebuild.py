"""Folding everything again from the log gives what was built step by step."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from definitions.judging.rechecks import recheck_due
from gtmops.dump import dump_lines
from gtmops.pipeline import process, rebuild
from integrations.refresh import serve_refresh_requests
from integrations.standins.app import Running
from integrations.standins.store import Actor
from records.models import Journey, Record, Touched
from slas.due import due_clocks
from tests.worlds import conclude, read_and_conclude, small_fernhill

pytestmark = pytest.mark.django_db(transaction=True)


def change_the_crms(running: Running) -> None:
    """What a day brings: stages, owners, e-mail addresses that join and part people, a deletion, a call."""
    store = running.store
    actor = Actor("005", "tests")
    contacts = store.all_of("hubspot", "contacts")
    leads = store.all_of("salesforce", "Lead")
    for row in contacts[:6]:
        store.update(row, {"lifecyclestage": "marketingqualifiedlead"}, actor)
    store.update(contacts[7], {"email": contacts[8].fields["email"]}, actor)
    store.update(contacts[9], {"email": "parted@buyer.example", "salesforceleadid": None}, actor)
    for row in leads[:3]:
        store.update(row, {"Status": "Qualified", "Need_Confirmed__c": True}, actor)
    store.set_deleted(leads[4], True, actor)


def test_rebuild_equals_what_was_built_step_by_step() -> None:
    with small_fernhill(contacts=50) as running:
        change_the_crms(running)
        read_and_conclude()
        due_clocks(datetime.now(UTC))
        serve_refresh_requests(datetime.now(UTC))
        recheck_due(datetime.now(UTC))
        conclude()
        now = datetime.now(UTC)
        process(now)
        assert not Touched.objects.exists()
        before = list(dump_lines(derived_only=True))
        assert len(before) > 300
        list(rebuild(now))
        assert list(dump_lines(derived_only=True)) == before


def test_rebuild_heals_what_was_lost() -> None:
    with small_fernhill(contacts=20):
        before = list(dump_lines(derived_only=True))
        now = datetime.now(UTC)
        Record.objects.update(journey=None)
        Journey.objects.all().delete()
        list(rebuild(now))
        assert list(dump_lines(derived_only=True)) == before
