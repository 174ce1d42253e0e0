"""Several messages told as one: by group, or as the summary of what waited (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

MOST_LISTED = 50
INBOX = "/inbox/"
_WORDS = {"late": ("late", "late"), "warning": ("due soon", "due soon")}


def compose(payloads: Sequence[Mapping[str, Any]], *, is_digest: bool) -> dict[str, Any]:
    """One payload for all of one receiver: ``sections`` [{name, items: [{title, href}], more}], title, severity."""
    sections: dict[str, list[Mapping[str, Any]]] = {}
    for payload in payloads:
        sections.setdefault(group_name_of(payload), []).append(payload)
    first = payloads[0]
    counts = _counts(payloads)
    if is_digest:
        title = f"While it was quiet: {counts}"
    else:
        title = f"{counts}: {group_name_of(first)}" if group_name_of(first) else counts
    left = MOST_LISTED
    told: list[dict[str, Any]] = []
    for name, members in sections.items():
        shown = members[:left]
        left -= len(shown)
        told.append(
            {
                "name": f"{name} · {_counts(members)}" if name and len(sections) > 1 else "",
                "items": [{"title": m.get("title", ""), "href": m.get("href", "")} for m in shown],
                "more": len(members) - len(shown),
            }
        )
    return {
        **{key: first[key] for key in ("person", "channel", "team") if key in first},
        "severity": severity_of(payloads),
        "title": title,
        "body": "",
        "href": INBOX if "person" in first else "",
        "sections": told,
    }


def group_name_of(payload: Mapping[str, Any]) -> str:
    """What people call the group: its name, or its key in words."""
    return str(payload.get("group_name") or str(payload.get("group", "")).replace("_", " ").capitalize())


def severity_of(payloads: Sequence[Mapping[str, Any]]) -> str:
    found = {str(payload.get("severity", "info")) for payload in payloads}
    return next((word for word in ("late", "warning") if word in found), "info")


def lines_of(sections: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """(text, href) of each line: a heading and what is cut off have no href."""
    found: list[tuple[str, str]] = []
    for section in sections:
        if section["name"]:
            found.append((str(section["name"]), ""))
        found += [(str(item["title"]), str(item["href"])) for item in section["items"]]
        if section["more"]:
            found.append((f"and {section['more']} more in your inbox", ""))
    return found


def _counts(payloads: Sequence[Mapping[str, Any]]) -> str:
    """ "12 late, 3 due soon"."""
    by = Counter(str(payload.get("severity", "info")) for payload in payloads)
    parts = [
        f"{by[severity]} {words[by[severity] > 1]}" for severity, words in _WORDS.items() if by[severity]
    ]
    others = len(payloads) - sum(by[severity] for severity in _WORDS)
    if others:
        parts.append(f"{others} message{'s' if others > 1 else ''}")
    return ", ".join(parts)
