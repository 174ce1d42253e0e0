"""Met on paper only: a text that fills the field and says nothing. Pure.

What is found here is a suspicion, never a verdict: pages say "May be filler", and only to whom
``definitions.evidence.visibility`` allows (A14). When in doubt a text is believed.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from math import log2
from typing import Any as Anything
from typing import Final

from definitions.criteria import Criterion, Evaluation
from definitions.criteria.catalogue import Field, FieldType
from definitions.criteria.nodes import All, Any, Leaf, Node, Not
from records.journey_data import RecordData

PLACEHOLDER, COPIED, TOO_SHORT = "placeholder", "copied", "too_short"
LOW_ENTROPY, LAST_SECOND = "low_entropy", "typed_at_the_last_second"

# --- thresholds, each with its reason --------------------------------------------------------------------------

COPIES: Final = 5
"""Other buyers with the same text. A phrase that fits a handful is a habit; six with the same sentence, a template."""
COPY_LENGTH, COPY_WORDS = 30, 5
"""Shorter texts ("decision in Q3", "CFO signs") are the same because they are true of many."""
SENTENCE_LENGTH: Final = 12
"""One word shorter than this says too little where a sentence is asked for; German compounds are longer."""
WALK: Final = 4
"""Neighbouring keys in one direction; three ("poi", "was") happen in words and names."""
SAME_CHARACTER: Final = 3
SAME_DIGIT: Final = 4
"""333 is a number people have; 1111 hardly."""
MASHED: Final = 6
"""Letters without a vowel; shorter ones are abbreviations."""
ENTROPY_LENGTH, ENTROPY_BITS = 16, 2.2
"""Bits a letter; prose of any language with letters has above 3.5 from a dozen letters on."""
LAST_SECONDS: Final = 60
"""From the value to leaving the stage. An honest note may be typed just then: it only adds to another reason."""

SENTENCES: Final[Mapping[str, str]] = {
    PLACEHOLDER: "This stands for an answer that was not given.",
    COPIED: f"The same text stands with {COPIES} or more other buyers.",
    TOO_SHORT: "One word, where the field asks for a sentence.",
    LOW_ENTROPY: "The same keys over and over.",
    LAST_SECOND: f"It was written within {LAST_SECONDS} seconds before the stage was left.",
}

TextKey = tuple[str, int]
"""(field, key of its normalised text)."""


@dataclass(frozen=True, slots=True)
class Paper:
    """One reason to doubt one condition that holds. ``path`` is the condition's in its criterion."""

    path: str
    field: str
    reason: str
    text: str

    def plain(self) -> dict[str, str]:
        return asdict(self)


def of(
    criterion: Criterion,
    evaluation: Evaluation,
    *,
    copied: Collection[TextKey] = frozenset(),
    typed_seconds: Mapping[str, int] | None = None,
) -> tuple[Paper, ...]:
    """Why a criterion that holds is met on paper only: its state is then ``on_paper``. Empty when it holds on other
    grounds too, and when it doesn't hold.

    ``copied``: texts of this record that stand with COPIES or more other buyers (`definitions.evidence.copies`).
    ``typed_seconds``: field -> seconds from its last change to leaving the stage (`typed_seconds_before`).
    """
    if evaluation.truth is not True:
        return ()
    found = find(criterion, evaluation, copied=copied, typed_seconds=typed_seconds)
    if not found:
        return ()
    truths = {leaf.path: leaf.truth for leaf in evaluation.leaves}
    doubted = {paper.path for paper in found}
    return () if _truth_without(criterion.root, truths, doubted, negated=False) is True else tuple(found)


def find(
    criterion: Criterion,
    evaluation: Evaluation,
    *,
    copied: Collection[TextKey] = frozenset(),
    typed_seconds: Mapping[str, int] | None = None,
) -> list[Paper]:
    """Every doubt about a text that a condition rests on, in the order of the criterion."""
    results = {leaf.path: leaf for leaf in evaluation.leaves}
    found: list[Paper] = []
    for leaf, is_negated in _text_leaves(criterion.root, negated=False):
        result = results.get(leaf.path)
        if result is None or not _rests_on(leaf, result.truth, negated=is_negated):
            continue
        if not isinstance(result.value, str):
            continue
        reasons = doubts(result.value, leaf.field, copied=copied)
        if reasons and (typed_seconds or {}).get(leaf.field.name, LAST_SECONDS + 1) <= LAST_SECONDS:
            reasons.append(LAST_SECOND)
        found += [Paper(leaf.path, leaf.field.name, reason, SENTENCES[reason]) for reason in reasons]
    return found


def doubts(value: str, field: Field, *, copied: Collection[TextKey] = frozenset()) -> list[str]:
    """Reasons to doubt one text, by itself and by its copies; none for an empty one."""
    if not value.strip():
        return []
    reasons = [reason] if (reason := _doubt(value, field.name, field.label)) else []
    key = text_key(value)
    if key is not None and (field.name, key) in copied:
        reasons.append(COPIED)
    return reasons


def text_key(value: str) -> int | None:
    """Equal for texts that differ in case, spaces and punctuation only; None when too short to be called a copy.

    Fits a signed 64-bit column."""
    plain = _normalised(value)
    letters = len(plain.replace(" ", ""))
    if _is_dense(plain):
        if letters < COPY_LENGTH // 2:
            return None
    elif len(plain) < COPY_LENGTH or len(plain.split()) < COPY_WORDS:
        return None
    return int.from_bytes(blake2b(plain.encode(), digest_size=8).digest(), "big", signed=True)


def typed_seconds_before(record: RecordData, fields: Iterable[str], left_at: datetime) -> dict[str, int]:
    """field -> whole seconds from its last change to ``left_at``. Only changes whose moment is exactly known."""
    found: dict[str, int] = {}
    wanted = set(fields)
    for event in record.events:
        if event.kind == "change" and event.field in wanted and event.occurred_at <= left_at:
            is_exact = event.not_before is None or event.not_before >= event.occurred_at
            if is_exact and not event.caused_by:
                found[event.field] = int((left_at - event.occurred_at).total_seconds())
            else:
                found.pop(event.field, None)
    return found


def text_fields(criterion: Criterion) -> frozenset[str]:
    """The text fields whose content a criterion may rest on."""
    return frozenset(leaf.field.name for leaf, _ in _text_leaves(criterion.root, negated=False))


# --- what a criterion rests on ---------------------------------------------------------------------------------

_HOLDING = frozenset({"is_not_empty", "is_not", "is_none_of", "contains", "starts_with"})
"""Operators that a filler can satisfy; one that names the whole text it wants ("is") can't be satisfied by filler."""
_HOLDING_NEGATED = frozenset({"is_empty", "is", "is_any_of"})


def _text_leaves(node: Node, *, negated: bool) -> Iterator[tuple[Leaf, bool]]:
    match node:
        case Leaf():
            wanted = _HOLDING_NEGATED if negated else _HOLDING
            if node.field.type is FieldType.TEXT and node.op in wanted:
                yield node, negated
        case Not(child):
            yield from _text_leaves(child, negated=not negated)
        case All(children) | Any(children):
            for child in children:
                yield from _text_leaves(child, negated=negated)
        case _:
            return


def _rests_on(leaf: Leaf, truth: bool | None, *, negated: bool) -> bool:
    return truth is (not negated)


def _truth_without(
    node: Node, truths: Mapping[str, bool | None], doubted: Collection[str], *, negated: bool
) -> bool | None:
    """The truth if the doubted conditions did not speak for the whole."""
    match node:
        case Not(child):
            truth = _truth_without(child, truths, doubted, negated=not negated)
            return None if truth is None else not truth
        case All(children) | Any(children):
            settles = isinstance(node, Any)
            found = [_truth_without(child, truths, doubted, negated=negated) for child in children]
            if settles in found:
                return settles
            return None if None in found else not settles
        case _:
            path: Anything = node.path
            return negated if path in doubted else truths.get(path)


# --- one text by itself ----------------------------------------------------------------------------------------

_PLACEHOLDERS: Final = frozenset(
    {
        # English
        "tbd", "tba", "tbc", "todo", "to do", "to be determined", "to be defined", "to be confirmed", "to be added",
        "to be done", "to be completed", "to be discussed", "n a", "not applicable", "x", "xx", "y", "z", "test",
        "testing", "dummy", "placeholder", "sample text", "some text", "text here", "foo", "foo bar", "foobar", "blah",
        "bla", "idk", "dunno", "dont know", "don t know", "i don t know", "unknown", "fill in later",
        "will fill in later", "will update", "will update later", "to update", "asd", "asdf", "qwe", "qwerty", "qwertz",
        "azerty", "jkl", "lorem ipsum", "null", "nil", "undefined", "not available", "no info", "no information",
        # German
        "k a", "keine angabe", "keine angaben", "folgt", "folgt noch", "wird nachgereicht", "wird nachgetragen",
        "noch zu klären", "zu klären", "noch offen", "unbekannt", "platzhalter", "weiß nicht", "weiss nicht", "n v",
        "nicht bekannt", "nicht zutreffend", "trifft nicht zu",
        # French
        "à définir", "a definir", "à compléter", "a completer", "à venir", "a venir", "à confirmer", "inconnu",
        "s o", "sans objet", "nsp", "non applicable", "à déterminer", "a determiner",
        # Spanish, Portuguese, Italian
        "por definir", "sin definir", "desconocido", "no aplica", "prueba", "por confirmar", "por determinar",
        "não aplicável", "nao aplicavel", "teste", "desconhecido", "da definire", "da completare", "da confermare",
        "non applicabile", "sconosciuto", "prova",
        # Dutch, Polish, Nordic
        "nog te bepalen", "nvt", "n v t", "niet van toepassing", "onbekend", "volgt", "do ustalenia", "brak danych",
        "nie dotyczy", "okänt", "ej aktuellt", "ikke relevant", "ukjent", "ukendt",
        # Russian, Ukrainian
        "неизвестно", "не указано", "тест", "нет данных", "уточняется", "невідомо",
        # Japanese, Chinese, Korean
        "未定", "不明", "テスト", "該当なし", "待定", "测试", "測試", "不详", "未知", "미정", "테스트", "해당 없음",
    }
)  # fmt: skip
_FILLER_TOKENS: Final = frozenset(
    {
        "x",
        "xx",
        "test",
        "testing",
        "tbd",
        "tba",
        "todo",
        "asd",
        "asdf",
        "bla",
        "blah",
        "foo",
        "dummy",
        "qwe",
        "lorem",
    }
)
"""A text made of nothing but these (and numbers beside them) says nothing."""
_ASKS_FOR_A_SENTENCE: Final = frozenset(
    {
        "pain", "impact", "success", "criteria", "words", "describe", "description", "summary", "goal", "goals",
        "problem", "schmerz", "auswirkung", "erfolg", "beschreibung", "ziel", "ziele", "worten", "problème", "objectif",
        "douleur", "dolor", "impacto", "objetivo", "descripción",
    }
)  # fmt: skip
"""Words in a field's name or label that one word can't answer. A date, a name or a reason ("Price") can be one."""
_ROWS: Final = (
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiopü",
    "asdfghjklöä",
    "yxcvbnm",
    "azertyuiop",
    "1234567890",
)
_WALKS: Final = frozenset(
    walk[i : i + WALK] for row in _ROWS for walk in (row, row[::-1]) for i in range(len(walk) - WALK + 1)
)
_WORDS_ON_ONE_ROW: Final = frozenset({"wert", "trew", "werty", "reza"})
_VOWELS: Final = frozenset("aeiouyäöüàâáãåæéèêëíìîïóòôõøœúùûýÿ")
_BRACKETED = re.compile(r"(<[^<>]*>|\[[^\[\]]*\]|\{\{?[^{}]*\}\}?|\s)+")


@lru_cache(maxsize=4096)
def _doubt(value: str, name: str, label: str) -> str | None:
    raw = value.strip()
    plain = _normalised(raw)
    if _is_placeholder(raw, plain, name, label):
        return PLACEHOLDER
    tokens = plain.split()
    if _says_nothing(raw, tokens):
        return LOW_ENTROPY
    if not _is_dense(plain) and _is_too_short(plain, tokens, f"{name} {label}"):
        return TOO_SHORT
    return None


def _normalised(value: str) -> str:
    """Folded case, letters and digits only, one space between words."""
    folded = unicodedata.normalize("NFKC", value).casefold()
    return " ".join(
        "".join(c if c.isalnum() or unicodedata.category(c).startswith("M") else " " for c in folded).split()
    )


def _is_dense(plain: str) -> bool:
    """A script in which one sign is a syllable or a word."""
    return any(
        "\u3040" <= c <= "\u30ff" or "\u3400" <= c <= "\u9fff" or "\uac00" <= c <= "\ud7a3" for c in plain
    )


def _is_placeholder(raw: str, plain: str, name: str, label: str) -> bool:
    if not plain or plain in _PLACEHOLDERS or raw == "na":
        return True
    if plain in (_normalised(label), _normalised(name)):
        return True
    if plain.startswith("lorem ipsum") or _BRACKETED.fullmatch(raw):
        return True
    if all(line.rstrip().endswith(":") for line in raw.splitlines() if line.strip()):
        return True  # only the headings of a template
    tokens = plain.split()
    return any(t in _FILLER_TOKENS for t in tokens) and all(
        t in _FILLER_TOKENS or t.isdigit() for t in tokens
    )


def _says_nothing(raw: str, tokens: Sequence[str]) -> bool:
    if len(tokens) >= 3 and len(set(tokens)) == 1 and not tokens[0].isdigit():
        return True
    if all(_is_mashed(token, raw) for token in tokens):
        return True
    letters = "".join(tokens)
    return len(letters) >= ENTROPY_LENGTH and not letters.isdigit() and _entropy(letters) < ENTROPY_BITS


def _is_mashed(token: str, raw: str) -> bool:
    """Keys in a row, one key held down, or letters nobody can speak."""
    if token.isdigit():
        return (len(set(token)) == 1 and len(token) >= SAME_DIGIT) or (
            token[:WALK] in {"1234", "0123", "9876", "4321"} and _is_walk(token)
        )
    if len(set(token)) == 1:
        return len(token) > SAME_CHARACTER or (len(token) == SAME_CHARACTER and not raw.isupper())
    if token in _WORDS_ON_ONE_ROW:
        return False
    if _is_walk(token) or _is_repeated(token):
        return True
    is_latin = all(c.isascii() or c in _VOWELS for c in token) and token.isalpha()
    return is_latin and len(token) >= MASHED and not raw.isupper() and not (set(token) & _VOWELS)


def _is_walk(token: str) -> bool:
    """Cut into runs of WALK neighbouring keys or more, nothing is left."""
    i = 0
    while i < len(token):
        j = i
        while j + WALK <= len(token) and token[j : j + WALK] in _WALKS:
            j += 1
        if j == i:
            return False
        i = j + WALK - 1
    return bool(token)


def _is_repeated(token: str) -> bool:
    """One piece of up to four characters, three times or more, perhaps cut off at the end."""
    return any(
        len(token) >= 3 * size and (token[:size] * (len(token) // size + 1))[: len(token)] == token
        for size in (2, 3, 4)
    )


def _entropy(text: str) -> float:
    counts = Counter(text)
    return -sum(n / len(text) * log2(n / len(text)) for n in counts.values())


def _is_too_short(plain: str, tokens: Sequence[str], asked: str) -> bool:
    if len(plain) == 1:
        return not plain.isdigit()
    is_sentence = bool(set(_normalised(asked).split()) & _ASKS_FOR_A_SENTENCE)
    return is_sentence and len(tokens) == 1 and len(plain) < SENTENCE_LENGTH
