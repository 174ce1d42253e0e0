"""The only place where upper rooms register with lower ones."""

from __future__ import annotations


def connect() -> None:
    """Called once, when all rooms are loaded."""
    _connect_teams()
    _connect_definitions()


def _connect_teams() -> None:
    from django.conf import settings

    from teams.demo import DemoSignIn, register_demo_sign_ins

    if settings.DEMO:
        from integrations.standins.fernhill.people import DEMO_PEOPLE

        labels = {
            "revops_admin": "RevOps admin",
            "sdr": "SDR (Austin)",
            "ae": "AE (Berlin)",
            "cs_manager": "CS manager",
            "sdr_manager": "SDR manager",
            "cro": "CRO",
            "cmo": "CMO",
        }
        register_demo_sign_ins(DemoSignIn(label, DEMO_PEOPLE[key]) for key, label in labels.items())


def _connect_definitions() -> None:
    from definitions import desired, own_sections, services
    from definitions.sections import register_sections
    from effects.tick import TickSource, register_tick_source
    from records.desired import register_declaration

    register_sections(own_sections.SECTIONS)
    register_declaration(desired.DECLARATION)
    register_tick_source(TickSource("versions", services.publish_due, services.next_publish))
    register_tick_source(TickSource("judgements", services.recheck_due, services.next_recheck))
