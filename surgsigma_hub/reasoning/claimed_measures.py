"""Claims that are measures: sides, overlap, the nearest thing, edges, shares of the image, motion."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .claim import Claim, What
from .label_spans import Mention
from .measures import STILL, Name

_SIDE = re.compile(
    r"\b(?:to|on)\s+the\s+(?P<side>left|right)(?:\s+side)?\s+of\b"
    r"(?!\s+the\s+(?:image|view|scene|frame|field)\b)|\b(?P<over>above|below)\b",
    re.IGNORECASE,
)
_EDGE = re.compile(r"\b(?P<edge>left|right|top|upper|bottom|lower)\s+(?:edge|border|margin)\b", re.IGNORECASE)
_PART = r"[0-9]{1,3}(?:\.[0-9]{1,3})?"
_PERCENT = re.compile(
    rf"\b(?P<n>{_PART})\s*(?:%|per ?cent)\s+of\s+the\s+(?:image|view|picture|frame|field)\b(?!['’]s)", re.IGNORECASE
)
_OF = r"\s*(?:%|per ?cent)\s+of\s+(?:the|its|the (?:image|view|frame|field)['’]s)\s+"
_EXTENT = re.compile(
    rf"\b(?P<w>{_PART}){_OF}width\s+and\s+(?P<h>{_PART}){_OF}height\b"
    rf"|\b(?P<high>{_PART}){_OF}height\s+and\s+(?P<wide>{_PART}){_OF}width\b",
    re.IGNORECASE,
)
_OVERLAP = re.compile(r"\b(?P<no>(?:do|does)(?:\s+not|n['’]t)\s+)?overlap(?:s|ping)?\b", re.IGNORECASE)
_APART = re.compile(r"\bclear of\b|\bapart from\b|\b(?:are|is|lie|lies|stay|stays)\s+(?:well\s+)?apart\b", re.I)
_NEAREST = re.compile(r"\b(?:nearest|closest)\s+to\b", re.IGNORECASE)
MOVED = re.compile(
    r"\bmov(?:e|es|ed|ing)\s+(?P<way>(?:up|down)(?:\s+and\s+to\s+the\s+(?:left|right))?|to\s+the\s+(?:left|right))\b"
    r"|\b(?P<still>(?:stay|remain)s?\s+in\s+place|hardly\s+moves?)\b",
    re.IGNORECASE,
)


_JOINED = re.compile(r"[,:]|\b(?:and|as well as|with|plus)\b")
_LEADS = re.compile(r"(?:^|[,:]|\b(?:and|while)\b)\s*$")


def measured(text: str, things: Sequence[Mention]) -> Iterator[Claim]:
    """What is said by measure: of one thing, or of one thing against another."""

    def made(name: Name, one: Mention | None, other: Mention | None, match: re.Match[str], value: str = "") -> Claim:
        quote = " ".join(m.text for m in (one, other) if m) + f": {match.group().strip()}"
        readings, against = one.readings if one else (), other.readings if other else ()
        return Claim(What.MEASURED, quote, readings, other=against, measured=name, value=value)

    for match in _SIDE.finditer(text):
        one, other = _around(things, match)
        if one and other and any(one.ids(kind) and other.ids(kind) for kind in ("instrument", "target")):
            yield made(Name.SIDE, one, other, match, (match["side"] or match["over"]).lower())
    for match in _NEAREST.finditer(text):
        after = [m for m in things if m.start >= match.end()]
        before = [m for m in things if m.end <= match.start()]
        if after and (len(after) > 1 or before):
            yield made(Name.NEAREST, after[0], after[1] if len(after) > 1 else before[-1], match)
    for name, pattern in ((Name.OVERLAP, _OVERLAP), (Name.APART, _APART)):
        for match in pattern.finditer(text):
            one, other = _around(things, match)
            if one and other:
                kind = Name.APART if name is Name.OVERLAP and match["no"] else name
                yield made(kind, one, other, match)
    for match in _EDGE.finditer(text):
        owner = owner_of(text, things, match)
        if owner:
            edge = {"upper": "top", "lower": "bottom"}.get(match["edge"].lower(), match["edge"].lower())
            yield made(Name.EDGE, owner, None, match, edge)
    for match in _PERCENT.finditer(text):
        owner = owner_of(text, things, match)
        if owner:
            yield made(Name.SHARE, owner, None, match, f"{float(match['n']):.1f}")
    for match in _EXTENT.finditer(text):
        owner = owner_of(text, things, match)
        if owner:
            wide, high = match["w"] or match["wide"], match["h"] or match["high"]
            yield made(Name.EXTENT, owner, None, match, f"{float(wide):.1f} x {float(high):.1f}")
    for match in MOVED.finditer(text):
        owner = owner_of(text, things, match)
        if owner:
            way = " ".join((match["way"] or "").lower().split())
            yield made(Name.MOVED, owner, None, match, way or STILL)


def _around(things: Sequence[Mention], match: re.Match[str]) -> tuple[Mention | None, Mention | None]:
    """The things on both sides of ``match``, or the two on one side where there is none on the other."""
    before = [m for m in things if m.end <= match.start()]
    after = [m for m in things if m.start >= match.end()]
    if before and after:
        return before[-1], after[0]
    if len(before) > 1:
        return before[-2], before[-1]
    return (after[1], after[0]) if len(after) > 1 else (None, None)


def owner_of(text: str, things: Sequence[Mention], match: re.Match[str]) -> Mention | None:
    """The thing that a place, a size or a measure is said of: the nearest before, or after where that is led up to."""
    before = [m for m in things if m.end <= match.start()]
    after = [m for m in things if m.start >= match.end()]
    leads = _LEADS.search(text_before(text, match.start())) is not None
    if after and (not before or (leads and not _JOINED.search(text[match.end() : after[0].start]))):
        return after[0]
    return before[-1] if before else None


def text_before(text: str, position: int) -> str:
    """What stands before ``position``, as far back as words can reach."""
    return text[max(0, position - 160) : position]
