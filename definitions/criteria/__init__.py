"""The criteria language: one small tree, read by people, PostgreSQL and Python alike.

A tree is `{"all": […]}`, `{"any": […]}`, `{"not": …}` or a leaf `{"field": …, "op": …, "value": …}`.

| operators | field types | value |
|---|---|---|
| is, is_not | text, picklist, reference, number, money | one value |
| is_any_of, is_none_of | text, picklist, reference, number, money | list of values |
| contains, starts_with | text | text |
| at_least, at_most, more_than, less_than | number, money | number |
| between | number, money, date, datetime | [lowest, highest], both included |
| is_true, is_false | boolean | - |
| before, after, is_on | date, datetime | date; before and after a datetime also an instant |
| within_last, within_next, more_than_ago | date, datetime | {days: 7}; minutes, hours, days, weeks |
| includes_any, includes_all, includes_none | multi_picklist | list of options |
| is_empty, is_not_empty | every type | - |

Meanings
- **Empty** (stored null, "" or an empty list): every comparison is false, the negative ones too, so
  `not` of it is true. To count blanks as different, write `{"not": {"field": …, "op": "is", …}}`.
- **Unknown** (absent, named unknown, or of the wrong shape): every leaf is unknown, is_empty too.
  Groups follow Kleene: `all` with a false is false, `any` with a true is true, else unknown wins.
- Text compares without regard to the case of A to Z; other letters compare exactly, as picklist
  values, options and references always do. Numbers compare as decimals.
- Instants are read in UTC; a date against a datetime field means that whole UTC day, and "today" is
  the UTC date of `now`. Windows include both ends: within_last 7 days of a date is today and the
  seven dates before it; more_than_ago begins where within_last ends. Date fields take days and weeks.
- `is_on`, not `on`: YAML reads a bare `on` as true.
"""

from definitions.criteria.catalogue import Catalogue, Field, FieldType
from definitions.criteria.criterion import Criterion, Reads, all_of, any_of, not_
from definitions.criteria.facts import Facts, Item
from definitions.criteria.faults import CriterionError, Fault
from definitions.criteria.parsing import parse
from definitions.criteria.targets.python import Evaluation, LeafResult
from definitions.criteria.values import State

__all__ = [
    "Catalogue",
    "Criterion",
    "CriterionError",
    "Evaluation",
    "Facts",
    "Fault",
    "Field",
    "FieldType",
    "Item",
    "LeafResult",
    "Reads",
    "State",
    "all_of",
    "any_of",
    "not_",
    "parse",
]
