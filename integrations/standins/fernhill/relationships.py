"""Who is nobody's lead although they may look like one, and who uses the product.

Nobody here was created as a lead of the counted year that meets either rule of story 1, so that its numbers stay."""

from __future__ import annotations

from integrations.standins.fernhill.builder import WorldBuilder
from integrations.standins.fernhill.prospect import Prospect

APART = {"student": 46, "competitor": 21, "partner": 34, "test": 9, "internal": 7}
DO_NOT_CONTACT, OPTED_OUT, TRIALS = 18, 74, 60


def settle(builder: WorldBuilder) -> None:
    """Decide it, once everybody's behaviour stands."""
    for p in builder.free(group="customer"):
        p.relationship, p.plan = "customer", "paid"
    nobodys = [p for p in builder.prospects if p.group == "neither" or _is_an_old_lead(p)]
    chosen = iter(builder.sample(sum(APART.values()) + DO_NOT_CONTACT + OPTED_OUT + TRIALS, "apart", nobodys))
    for relationship, count in APART.items():
        for _ in range(count):
            next(chosen).relationship = relationship
    for _ in range(DO_NOT_CONTACT):
        next(chosen).do_not_contact = True
    for _ in range(OPTED_OUT):
        next(chosen).opted_out = True
    for i, p in enumerate(chosen):
        p.plan = "trial" if i % 3 else "free"


def _is_an_old_lead(p: Prospect) -> bool:
    return p.group == "earlier" and not p.deal
