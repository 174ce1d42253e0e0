"""The question whether clocks start that a machine began, or that were there before we came."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from effects.tick import now_utc
from slas.forms import StartAnswerForm
from slas.models import StartQuestion
from slas.start_questions import answer, asked, clocks_of
from teams.access import person_of

LISTED = 50


@require_GET
def start_questions(request: HttpRequest) -> HttpResponse:
    """What waits for an answer, and what was answered."""
    person_of(request)
    told = StartQuestion.objects.exclude(told_at=None).select_related("connection", "answered_by")
    context = {
        "open": [asked(question) for question in told.filter(answer="")[:LISTED]],
        "answered": told.exclude(answer="").exclude(clocks=0)[:LISTED],
    }
    return render(request, "slas/start_questions.html", context)


@require_http_methods(["GET", "POST"])
def start_question(request: HttpRequest, pk: int) -> HttpResponse:
    """One question with the records it is about; a POST answers it, and the first answer stands."""
    viewer = person_of(request)
    question = get_object_or_404(StartQuestion.objects.select_related("connection", "answered_by"), pk=pk)
    if request.method == "POST":
        form = StartAnswerForm(request.POST)
        if not form.is_valid():
            messages.error(request, "Nothing was answered: the request could not be read.")
            return redirect("slas:start_question", pk)
        done = answer(pk, starts=form.cleaned_data["answer"] == "yes", by=viewer, now=now_utc())
        if done.answer == StartQuestion.Answer.STARTED:
            messages.success(request, f"{done.clocks:,} clocks run from when it happened.")
        else:
            messages.success(request, "They stay measured only: nobody is told of them.")
        return redirect("slas:start_question", pk)
    clocks = clocks_of(question).for_person(viewer).with_names().order_by("due_at", "pk")[:LISTED]
    return render(request, "slas/start_question.html", {"asked": asked(question), "clocks": list(clocks)})
