"""The domain of a person's e-mail address as an expression of the tables, spelt backwards so that an index finds a
domain and everything under it: ``elpmaxe.lertsek`` of ``mara@Kestrel.example``."""

from __future__ import annotations

from django.db.models import Func, TextField, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Lower, Reverse


def mail_domain(values: str) -> Reverse:
    """Of the column ``values``; null without an address."""
    address = KeyTextTransform("email", values)
    return Reverse(
        Lower(Func(address, Value("@"), Value(2), function="SPLIT_PART", output_field=TextField()))
    )


MAIL_DOMAIN = """REVERSE(LOWER(SPLIT_PART((r."values" ->> 'email'), '@', 2)))"""
"""The same in SQL, of the record ``r``."""
