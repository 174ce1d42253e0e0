"""Invented names: people, companies, addresses."""

from __future__ import annotations

import unicodedata
from random import Random

from integrations.standins.fernhill.prospect import Company


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES = {
    "NA": _words(
        "Aaron Abby Alicia Amara Andre Angela Beth Bianca Blake Brandon Brenda Caleb Carla Cedric Chelsea Clay "
        "Colin Dale Daniela Darius Deb Derek Diego Elena Eli Erin Esther Evan Faye Frank Gabe Gina Grace Hank "
        "Heather Hector Imani Isaac Jamal Janelle Jared Jo Joel Kara Keisha Kent Kyle Lana Latoya Leon Liam "
        "Lorena Lyle Mack Maria Marcus Mei Mona Nate Nina Omar Owen Pam Pedro Quinn Ray Renée Rita Rosa Ruben "
        "Ruth Sam Sergio Shawn Tara Ted Tess Tyrone Val Vince Wes Yusuf"
    ),
    "EMEA": _words(
        "Aleksandra Amélie Anders Anke Arjen Aurélie Ayşe Bartosz Beatriz Björn Birgit Carmen Cătălina Daan "
        "Dorota Edith Elif Émile Erik Eszter Fatima Florian Freya Gerd Giulia Gökhan Greet Gunnar Henrike Hélène "
        "Ilse Irena Jakub Jana Jens João Jürgen Kai Karin Katarzyna Lars Lea Łukasz Maarten Magda Márton Mirjam "
        "Nele Niall Nils Ole Oksana Óscar Paweł Petra Pieter Ragnhild Ralf Sanne Sigrid Sinéad Søren Stefan "
        "Svenja Tadeusz Thijs Tom Ulrike Uwe Věra Wiebke Willem Yannick Zsófia Žaneta"
    ),
    "APAC": _words(
        "Aroha Bao Chitra Darren Hana Jun Kavita Kenji Linh Mele Nikhil Priti Ravi Rowan Siti Tane Wei Yumi"
    ),
}
_SURNAME_FRONT = {
    "NA": _words(
        "Bar Bel Bran Cal Cor Cren Dal Del Dun Ell Fal Far Gar Gil Had Har Hol Jes Kel Kin Lan Lor Mar Mer Nor "
        "Ol Or Pel Quin Ram Ren Ros Sal Sel Stan Tal Ter Tor Var Ves Wal Wen Win Yar"
    ),
    "EMEA": _words(
        "Ahl Bern Bog Brandt Dahl Deker Eich Ekl Falk Frey Gös Grün Haar Heim Hjel Jans Kald Kast Klöb Kov Krüz "
        "Lend Lind Łub Mark Möll Nør Nowa Oster Øst Pels Rav Rosen Schar Sil Söd Ståhl Szer Tann Thal Ünal Vald "
        "Vester Wagn Wend Zab Žit"
    ),
    "APAC": _words("Aka Bhar Chan Dev Hana Ishi Kau Kob Lim Mura Naga Pill Ran Sato Tama Vel Yos Zhen"),
}
_SURNAME_BACK = {
    "NA": _words(
        "aby acott adine amore anter away bury dane derly dray ette fax gard ick ingham kins lan lock low man mer "
        "more ney nick oway ridge rick son stock ston tane ter vane well wick worth"
    ),
    "EMEA": _words(
        "bach beck berg ell ema ensen ert eski eveld feld hagen haus holm ić inga ini itz kamp land lund mann "
        "meyr mark oğlu orska ová quist rup sen stad stein ström ten veld wicz wig"
    ),
    "APAC": _words("ara dran eda hari ishita kawa lai mori nandi oka ong pati ranga shi sen toa wen yama"),
}

_COMPANY_FRONT = _words(
    "Alder Amber Anvil Ash Barn Beck Birch Blue Bram Bren Briar Brindle Bur Cairn Calder Cedar Chal "
    "Clover Copper Cran Dal Dray Drum Dun Elder Elm Ember Fal Fen Flint Fox Gale Garn Glen Gran Gray "
    "Grims Hale Harrow Hart Haw Hazel Heron Hollow Holm Iron Juniper Kel Kest Lark Laur Lime Lin Loch "
    "Lun Mal Maple Marl Mead Mill Mor Moss Nether Oak Ost Otter Pel Pike Pine Quill Rad Raven "
    "Ridge Rook Row Rush Sable Sallow Sand Sea Sel Slate Snow Sorrel Strath Sun Swift "
    "Tam Tarn Teal Thistle Thorn Tor Vale Ves Wal Warren Water Wend Whit Wil Wind Winter Wolf Wren Yar "
    "Yew"
)
_COMPANY_BACK = _words(
    "anger avick bank beck bourne brim brook bury by cliff combe cote cove croft dale dell den edge ell fell "
    "fern field fleet fold ford garth gate glade grove ham hatch haven hithe holm holt hurst keld land lea "
    "ley lock low mark mere mire moor mount nell ness over pike pool quay reach ridge rigg ross row scar shaw "
    "side slade stead stoke stow strand thorpe thwaite toft ton tree vale vane ward water way well wick wold "
    "wood worth yard"
)
COMPANY_KINDS = {
    "Logistics": (
        "Logistics",
        "Haulage",
        "Freight",
        "Couriers",
        "Distribution",
        "Cargo",
        "Parcel",
        "Warehousing",
        "Trucking",
    ),
    "Transportation": (
        "Transit",
        "Coaches",
        "Transport",
        "Bus Lines",
        "Carriers",
        "Shuttle",
        "Mobility",
        "Rail Services",
    ),
    "Food & Beverage": (
        "Foods",
        "Dairy",
        "Bakeries",
        "Beverages",
        "Produce",
        "Provisions",
        "Cold Chain",
        "Brewing",
    ),
    "Construction": (
        "Construction",
        "Paving",
        "Aggregates",
        "Timber",
        "Builders",
        "Crane Hire",
        "Civil Works",
        "Roofing",
    ),
    "Other": (
        "Utilities",
        "Waste",
        "Rentals",
        "Landscaping",
        "Home Services",
        "Water",
        "Security",
        "Recycling",
        "Energy",
    ),
}
_EUROPEAN_FORMS = ("", "", "", " GmbH", " AG", " B.V.", " A/S", " Sp. z o.o.", " Group", " & Söhne")
_NA_FORMS = ("", "", "", "", " Inc.", " LLC", " Co.", " Group", " & Sons")
RESERVED = frozenset({"Kestrel Haulage", "Ardent Logistics", "Bright Harbor Foods"})
"""Companies that stories name; no other company may bear the name."""

COUNTRIES = {
    "NA": ("United States",) * 9 + ("Canada",) * 2,
    "EMEA": ("Germany",) * 6 + ("Netherlands", "Netherlands", "United Kingdom", "United Kingdom", "Austria", "Poland",
                                "Poland", "Denmark", "Sweden", "France", "Belgium", "Ireland"),
    "APAC": ("Australia", "Australia", "New Zealand", "Singapore", "Japan"),
}  # fmt: skip
_TITLES = {
    "decision_maker": (
        "Fleet Director",
        "VP Operations",
        "COO",
        "Head of Fleet",
        "Managing Director",
        "Director of Maintenance",
        "Owner",
        "Head of Logistics",
        "Operations Director",
        "General Manager",
        "Director, Supply Chain",
        "CFO",
    ),
    "influencer": (
        "Fleet Manager",
        "Maintenance Manager",
        "Operations Manager",
        "Transport Manager",
        "Regional Fleet Lead",
        "Workshop Manager",
        "Logistics Manager",
        "Procurement Manager",
        "Depot Manager",
        "Process Improvement Lead",
        "Yard Manager",
    ),
    "user": (
        "Dispatcher",
        "Fleet Coordinator",
        "Workshop Foreman",
        "Service Advisor",
        "Fleet Analyst",
        "Yard Coordinator",
        "Maintenance Planner",
        "Technician",
        "Fleet Administrator",
        "Parts Clerk",
    ),
    None: (
        "Fleet Manager",
        "Operations",
        "Consultant",
        "Student",
        "Office Manager",
        "Driver",
        "",
        "Project Manager",
        "Intern",
    ),
}
_GERMAN_TITLES = {
    "decision_maker": ("Leiter Fuhrpark", "Geschäftsführerin", "Leiterin Logistik", "Geschäftsführer"),
    "influencer": ("Fuhrparkmanagerin", "Werkstattleiter", "Einkauf Fuhrpark"),
    "user": ("Disponent", "Fuhrparkkoordinatorin"),
    None: ("Sachbearbeitung",),
}
_LETTERS = str.maketrans(
    {
        "ł": "l",
        "Ł": "L",
        "ø": "o",
        "Ø": "O",
        "ß": "ss",
        "ı": "i",
        "æ": "ae",
        "å": "a",
        "Å": "A",
        "ö": "oe",
        "ü": "ue",
        "ä": "ae",
    }
)


def plain_letters(text: str) -> str:
    """``text`` in the letters that an e-mail address has."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return "".join(c for c in decomposed.lower() if c.isascii() and c.isalnum())


class Names:
    """Draws names; companies and e-mail addresses never repeat."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._companies: set[str] = {plain_letters(name) for name in RESERVED}
        self._addresses: set[str] = set()

    def person(self, region: str) -> tuple[str, str]:
        r = self._random
        surname = r.choice(_SURNAME_FRONT[region]) + r.choice(_SURNAME_BACK[region])
        if r.random() < 0.03:
            surname += "-" + r.choice(_SURNAME_FRONT[region]) + r.choice(_SURNAME_BACK[region])
        return r.choice(FIRST_NAMES[region]), surname

    def email(self, first: str, last: str, company: Company) -> str:
        """An address at the company, or now and then at a free mailer."""
        r = self._random
        a, b = plain_letters(first), plain_letters(last)
        local = r.choice((f"{a}.{b}", f"{a}.{b}", f"{a[0]}.{b}", f"{a}{b[0]}", b))
        address = f"{local}@{company.domain}"
        suffix = 2
        while address in self._addresses:
            address = f"{local}{suffix}@{company.domain}"
            suffix += 1
        self._addresses.add(address)
        return address

    def company(self, region: str, unit: str, fleet: int | None) -> Company:
        r = self._random
        industry = r.choices(list(COMPANY_KINDS), (34, 22, 18, 14, 12))[0]
        while True:
            front, back = r.choice(_COMPANY_FRONT), r.choice(_COMPANY_BACK)
            name = f"{front}{back} {r.choice(COMPANY_KINDS[industry])}"
            key = plain_letters(name)
            if key not in self._companies and front.lower() != back:
                break
        self._companies.add(key)
        form = r.choice(_EUROPEAN_FORMS if region == "EMEA" else _NA_FORMS)
        return Company(
            name + form, f"{key}.example", r.choice(COUNTRIES[region]), region, unit, industry, fleet
        )

    def title(self, role_level: str | None, country: str) -> str:
        german = country in ("Germany", "Austria") and self._random.random() < 0.4
        return self._random.choice((_GERMAN_TITLES if german else _TITLES)[role_level])

    def phone(self, country: str) -> str:
        """A number from the ranges kept free for fiction where the country has one."""
        r = self._random
        if country in ("United States", "Canada"):
            return f"+1 {r.choice((212, 303, 404, 512, 614, 737, 816))} 555 01{r.randint(0, 99):02d}"
        if country == "United Kingdom":
            return f"+44 20 7946 0{r.randint(0, 999):03d}"
        if country == "Australia":
            return f"+61 2 5550 {r.randint(0, 9999):04d}"
        if country == "Germany":
            return f"+49 30 23125 {r.randint(0, 999):03d}"
        prefix = {"Netherlands": "+31 20 555", "Austria": "+43 1 555", "Poland": "+48 22 555", "Denmark": "+45 32 55",
                  "Sweden": "+46 8 5550", "France": "+33 1 99 00", "Belgium": "+32 2 555", "Ireland": "+353 1 555",
                  "New Zealand": "+64 9 555", "Singapore": "+65 6555", "Japan": "+81 3 5550"}  # fmt: skip
        return f"{prefix[country]} {r.randint(0, 9999):04d}"
