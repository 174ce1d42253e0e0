"""Setting up the model from the starter set: the order of two words, which ones, and in which words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from definitions.bodies import STAGES
from definitions.catalogue import catalogue_from_db
from definitions.files.model_files import ModelFaults
from definitions.files.starter import ORDERS, LeftOut, Name, Order, Prepared, load_starter_model, prepare
from definitions.sections import sections
from definitions.versions import Model, load_model
from effects.tick import now_utc
from teams.access import person_of
from teams.models import Team


@dataclass(frozen=True)
class Offer:
    """One thing of the starter set. ``why_not``: it can't be set up here yet; ``without``: parts that are left out."""

    section: str
    key: str
    name: str
    text: str
    sentence: str
    owner: str
    play: str
    is_there: bool
    is_wanted: bool
    why_not: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return f"{self.section}/{self.key}"


@require_http_methods(["GET", "HEAD", "POST"])
def set_up(request: HttpRequest) -> HttpResponse:
    now = now_utc()
    asked = request.POST if request.method == "POST" else request.GET
    model = load_model()
    held = held_order(model, now)
    order = held or next((one for one in ORDERS if one == asked.get("order")), None)
    has_model = any(model.keys(section) for section in sections())
    if request.method == "POST" and order is not None:
        wanted = _wanted(request.POST.getlist("take"))
        if wanted:
            try:
                loaded = load_starter_model(
                    now, by=person_of(request), order=order, only=wanted, as_drafts=has_model
                )
            except ModelFaults as error:
                messages.error(request, str(error.faults[0]))
            else:
                _tell(request, len(loaded.published), len(loaded.drafted))
                return redirect("definitions:model")
        else:
            messages.warning(request, "Choose what to set up.")
    prepared = prepare(now, order=order or "sql_before_sal")
    offers = _offers(prepared, model, None if request.method == "GET" else _wanted(asked.getlist("take")))
    context: dict[str, Any] = {
        "order": order or "",
        "is_order_held": held is not None,
        "orders": list(ORDERS.items()),
        "groups": [
            (sections()[name].label, [o for o in offers if o.section == name])
            for name in sections()
            if any(o.section == name for o in offers)
        ],
        "has_model": has_model,
        "is_order_missing": request.method == "POST" and order is None,
        "ready": sum(not o.why_not and not o.is_there for o in offers),
        "not_ready": sum(bool(o.why_not) for o in offers),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "definitions/set_up.html", context, status=status)


def held_order(model: Model, now: datetime) -> Order | None:
    """The order that the stages in force have; None where one of the two isn't there."""
    stages = model.in_force(STAGES, now)
    if not {"sal", "sql"} <= stages.keys():
        return None
    first = stages["sql"].body.get("order", 0) < stages["sal"].body.get("order", 0)
    return "sql_before_sal" if first else "sal_before_sql"


def _wanted(ids: Sequence[str]) -> frozenset[Name]:
    return frozenset((section, key) for section, _, key in (one.partition("/") for one in ids) if key)


def _tell(request: HttpRequest, published: int, drafted: int) -> None:
    if published:
        messages.success(
            request, f"{published} in force. Everything is judged anew now; that may take minutes."
        )
    elif drafted:
        messages.success(request, f"{drafted} drafts are ready for the teams to agree.")
    else:
        messages.info(request, "Nothing changed: all of it was there.")


def _offers(prepared: Prepared, model: Model, wanted: frozenset[Name] | None) -> list[Offer]:
    teams = dict(Team.objects.values_list("key", "name"))
    catalogue = catalogue_from_db(model)
    found = []
    for section, key, body in prepared.each():
        owner = str(body.get("owner") or body.get("from_team") or "")
        parts = [
            one.part for one in prepared.left_out if (one.section, one.key) == (section, key) and one.part
        ]
        found.append(
            Offer(
                section=section, key=key, name=str(body.get("name") or key), text=str(body.get("text") or ""),
                sentence=sections()[section].sentence(body, catalogue), owner=teams.get(owner, owner),
                play=str(body.get("play") or ""), is_there=bool(model.history(section, key)),
                is_wanted=wanted is None or (section, key) in wanted, without=tuple(parts),
            )
        )  # fmt: skip
    return found + [_refused(one) for one in prepared.left_out if not one.part]


def _refused(one: LeftOut) -> Offer:
    return Offer(one.section, one.key, one.name, "", "", "", "", False, False, why_not=one.reasons)
