"""What a type of field is called on pages, in the middle of a sentence."""

from __future__ import annotations

TYPE_WORDS = {
    "text": "text",
    "number": "a number",
    "money": "an amount of money",
    "boolean": "yes or no",
    "date": "a day",
    "datetime": "a day and time",
    "picklist": "a choice",
    "multi_picklist": "several choices",
    "reference": "the id of another record",
}
