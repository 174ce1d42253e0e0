"""What buyers say and what reps write, in their own uneven ways."""

from __future__ import annotations

from random import Random

_THINGS = {
    "fleet": ("vans", "trucks", "tractors", "trailers", "reefers", "tippers", "buses", "service vehicles"),
    "yards": ("forklifts", "yard trucks", "trailers", "docks", "gates", "reach stackers", "containers"),
}
_PLACES = ("depot", "workshop", "yard", "main site", "second depot", "hub", "terminal")
_PEOPLE = ("dispatcher", "workshop foreman", "ops lead", "planner", "night shift", "depot head", "controller")
_TOOLS = (
    "Excel",
    "a whiteboard",
    "paper cards",
    "an Access DB from 2009",
    "WhatsApp",
    "three spreadsheets",
    "a home-grown tool",
)
_PAINS = (
    "{n} {things} down last {period}, no PM schedule - all in {tool}",
    "services slip because the {who} hears about mileage too late. {n} overdue now, {tool}.",
    '"we repair, we never plan" - {n} unplanned {place} visits a {period}',
    "no idea what one of the {n} {things} costs per km. {who} gets asked every {period}",
    "inspections on paper, defects reach the {place} days later. {n} open defects nobody owns",
    "{place} and dispatch don't see the same plan, {n} double bookings last {period}",
    "lost an audit over missing records for {n} {things}, now the {who} is nervous",
    "warranty claims missed bc nobody in the {place} tracks parts. {who} guesses {n}k a {period}",
    "their {who} left and so did the knowledge, {n} {things} live in {tool} now",
    "grew from {n} to 3x as many {things}, process didn't. {tool}",
    "Tyres. Buys too late, list price, no stock view across {n} sites, {who} orders by phone",
    "drivers phone in defects, {who} writes them on a pad. Pads get lost, he laughed but it's real",
    "{things} stand {n} h a {period} waiting for parts that are in the other {place}",
    "Says rental cover for broken {things} eats them: {n} rental days last {period}",
    "compliance dates (inspections, tachos, licences) in {tool}, {n} expired unnoticed last {period}",
    "nobody trusts the odometer data of {n} {things}, so intervals are guesswork -> too early or broken down",
    "queue at the gate every morning, {n} {things} waiting, no slot plan",
    "merger left them with two systems + {tool}; reports take the {who} {n} h a {period}",
    "fuel cards, telematics, {place}: three logins, the {who} reconciles once a {period} in {tool}",
    "insurance wants proof of maintenance after an accident in the {place}; took {n} days to collect",
)
_IMPACTS = (
    "approx {money} per {period} in rentals and penalties",
    "{n} late tours/{period}, customer threatens to leave",
    "{money} a year in unplanned repairs, their number not mine",
    "1 FTE just for chasing paper",
    "two of {n} {things} always standing = {money} a {period}",
    "penalties in the big retail contract: {money} last {period}",
    "overtime in the {place}, about {n} h a {period}",
    "hard to say, he thinks {money}",
    "lost one tender because of it. worth {money}",
    "resale value: sells blind, maybe {money} under market per year",
    "not quantified yet, follow up with controller",
    "{n}% of fleet idle on a bad day",
)
_TIMELINES = (
    "wants it live before the season starts",
    "decision by end of quarter, rollout after",
    "contract with current vendor ends in {n} weeks",
    "Budget round in {month}, needs numbers before",
    "asap, new ops director wants a quick win",
    "pilot {month}, rest next year",
    "no hard date. pushes if we can show ROI",
    "before the leasing renewal ({n} {things})",
    "audit in {month}, must be working by then",
    "this half year if it stays under {money}",
    "{month}, said it twice",
)
_STAKEHOLDERS = (
    "Fleet lead (him), {who}, CFO signs",
    "COO decides, {who} has veto in practice",
    "IT must approve (SSO!), ops owns budget",
    "owner decides alone, his {who} tests",
    "{who} is the champion; procurement comes in late",
    "works council wants to see driver data handling",
    "regional heads vote, HQ pays",
    "Her + {who}. Finance only above {money}",
    "group purchasing in the other country, unclear",
)
_WORDS = (
    "We need one place to see which {things} are due for service.",
    "Our {things} break down and we find out from the driver. That has to stop.",
    "Looking for something the {who} will really use. We tried two tools, both died.",
    "How does it work with {n} {things} across several depots? And can we start small?",
    "I want to get rid of {tool}. Please show me inspections on a phone.",
    "We lose too much time between the {place} and dispatch, one plan for both please.",
    "Do you connect to our telematics? We have {n} {things}, mixed makes.",
    "Audit in {month}. I need maintenance records I can print.",
    "Cost per vehicle, per month, without asking three people.",
    "What would it cost for {n} {things}? We are comparing three vendors.",
    "We have no idea when to replace. Repair or sell, that is the question every week.",
    "Reminders that reach the crews. E-mails don't.",
    "Trailers disappear in our yard, then we rent more. Can you help?",
    "Please call in the afternoon, mornings are chaos (that is the problem).",
    "We want fewer rental days. If you can prove it, we talk.",
)
_GERMAN_WORDS = (
    "Wir planen Wartung noch in Excel und möchten das in einem Quartal ablösen. Geht das mit {n} Fahrzeugen?",
    "Bitte eine Vorführung für Werkstatt und Disposition zusammen. Beide schimpfen gerade.",
    "Prüftermine laufen uns ab, weil jeder Standort seine eigene Liste hat.",
    "Was kostet das bei {n} Fahrzeugen, und brauchen wir neue Telematik?",
)
_OPENINGS = (
    "{name}: ",
    "{name} says ",
    "per {name}, ",
    "(call w/ {name}) ",
    "from {name}'s mail: ",
    "main topic: ",
    "pain = ",
)
_CALLS = (
    "Quick call, interested, sends depot list",
    "left vm",
    "spoke 6 min, asked for prices",
    "no answer, tried mobile too",
    "gatekeeper, call back Thu",
    "talked to {who}, right person is on holiday",
    "Good talk. Pain is real, budget unclear",
    "call dropped, sent mail instead",
    "reached, in the {place}, call again at 4",
    "asked what we do vs telematics vendor",
    "happy to see a demo, wants colleagues in",
    "not now, {month} maybe",
    "voicemail, 2nd try",
    "12 min. walked through current process ({tool})",
    "she is comparing 3 tools, shortlist next wk",
)
_MAILS = (
    "Re: your question about {things}",
    "Following up on our call",
    "Two dates for a short call?",
    "Example from a fleet of {n}",
    "The maintenance plan you asked for",
    "Short answer on telematics",
    "Missed you today",
    "Before your audit in {month}",
    "Prices for {n} {things}",
    "One page on inspections",
    "Re: Re: timing",
)
_MEETINGS = (
    "Qualification call: current process, {n} {things}, who decides",
    "Discovery: {place} planning",
    "Intro with AE, agenda sent",
    "Walk-through inspections + defects",
    "Call with {who} and fleet lead",
    "Demo, 4 people from 2 depots",
)
_NEXT_STEPS = (
    "Send security questionnaire",
    "Demo for the {who}",
    "Agree pilot depot",
    "Pricing for {n} {things}",
    "Call with IT about SSO",
    "Get the cost figures from controlling",
    "Proposal review with CFO",
    "Site visit at the second {place}",
    "Legal: data processing agreement",
    "Check telematics connector",
    "Mutual plan: go-live date",
    "Wait for budget round, call {month}",
)
_CRITERIA = (
    "Unplanned downtime -30% in the first 90 days, measured in the {place} log",
    "All {n} {things} with a service plan by day 60",
    "Inspections 100% on phone in one depot within 6 weeks",
    "Audit passed in {month} with records from the system",
    "Rental days under {n} per month after the first quarter",
    "one list of due dates the {who} uses daily (they check logins)",
    "Double bookings below 2 a month by day 90",
)
_MONTHS = ("January", "March", "April", "June", "September", "October", "November")
RECYCLE_REASONS = (
    "No budget",
    "Bad timing",
    "No response",
    "Wrong contact",
    "Chose a competitor",
    "Fleet too small",
    "Student or research",
)


class Notes:
    """Draws texts for one unit's people; half of them look typed in a hurry."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def _say(self, templates: tuple[str, ...], unit: str, *, hurried: bool = True) -> str:
        r = self._random
        number = r.choice((2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 14, 18, 20, 25, 30, 40, 60))
        text = r.choice(templates).format(
            n=number,
            things=r.choice(_THINGS[unit]),
            place=r.choice(_PLACES),
            who=r.choice(_PEOPLE),
            tool=r.choice(_TOOLS),
            period=r.choice(("week", "month", "quarter")),
            month=r.choice(_MONTHS),
            money=r.choice(("4k", "12k", "18,000", "25k", "40k", "60k", "90,000", "120k")),
        )
        if hurried and r.random() < 0.35:
            text = text[0].lower() + text[1:]
        elif r.random() < 0.5:
            text = text[0].upper() + text[1:]
        return text

    def pain(self, unit: str, name: str) -> str:
        """One observation, sometimes with a second one or with who said it."""
        text = self._say(_PAINS, unit)
        if self._random.random() < 0.4:
            text = self._random.choice(_OPENINGS).format(name=name) + text
        if self._random.random() < 0.3:
            text += self._random.choice((". ", "; ", " / ", "\n")) + self._say(_PAINS, unit)
        return text

    def impact(self, unit: str) -> str:
        return self._say(_IMPACTS, unit)

    def timeline(self, unit: str) -> str:
        return self._say(_TIMELINES, unit)

    def stakeholders(self, unit: str) -> str:
        return self._say(_STAKEHOLDERS, unit)

    def buyer_words(self, unit: str, country: str) -> str:
        german = country in ("Germany", "Austria") and self._random.random() < 0.5
        return self._say(_GERMAN_WORDS if german else _WORDS, unit, hurried=False)

    def call(self, unit: str) -> str:
        return self._say(_CALLS, unit)

    def mail(self, unit: str) -> str:
        return self._say(_MAILS, unit, hurried=False)

    def meeting(self, unit: str) -> str:
        return self._say(_MEETINGS, unit, hurried=False)

    def next_step(self, unit: str) -> str:
        return self._say(_NEXT_STEPS, unit)

    def criteria(self, unit: str) -> str:
        return self._say(_CRITERIA, unit)

    def recycle_reason(self) -> str:
        return self._random.choice(RECYCLE_REASONS)
