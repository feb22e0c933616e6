"""What the terms of a source let others publish, part by part, as data: ``loaders/terms/<source>.yaml``.

A part is the annotations, the media as recorded, pixels derived from them, or the questions of this package about them.
What is not stated is unknown, and unknown means refused. Whose the pixels are counts: labels on the frames of another
dataset never make those frames freer. What this package declines to publish of its own accord is a :class:`Policy`,
which is never told as a term of the source.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

import yaml

from ..errors import SurgSigmaError


class Part(StrEnum):
    """What of a source may be in a tree."""

    ANNOTATIONS = "annotations"
    MEDIA = "media"
    DERIVED = "derived"
    QUESTIONS = "questions"

    @property
    def words(self) -> str:
        """For readers."""
        return {"derived": "derived pixels", "questions": "our questions"}.get(self.value, self.value)


PIXELS = frozenset({Part.MEDIA, Part.DERIVED})
"""Parts to which the terms of the datasets that the pixels come from apply too."""


class Redistribute(StrEnum):
    """Whether a part may be passed on, the freest first."""

    YES = "yes"
    CONDITIONAL = "conditional"
    UNKNOWN = "unknown"
    NO = "no"

    @property
    def may(self) -> bool:
        """Whether it may at all; conditions are to be met."""
        return self in (Redistribute.YES, Redistribute.CONDITIONAL)


class Condition(StrEnum):
    """What whoever passes a part on has to keep to."""

    ATTRIBUTION = "attribution"
    NON_COMMERCIAL = "non-commercial"
    SHARE_ALIKE = "share-alike"
    NO_DERIVATIVES = "no-derivatives"
    DATA_USE_AGREEMENT = "data-use-agreement"
    FORM = "form"
    CODE_SHARING = "code-sharing"


OTHER = "other"
"""The licence id of terms that have none."""
LICENSES = frozenset((
    "apache-2.0", "bsd-3-clause", "cc-by-3.0", "cc-by-4.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-nd-3.0",
    "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0", "cc-by-sa-3.0",
    "cc-by-sa-4.0", "cc0-1.0", "mit", "odc-by", "pddl", "unknown", OTHER,
))  # fmt: skip
"""Licence ids that the Hub lists, as far as sources are likely to use them."""

GATED = frozenset({Condition.DATA_USE_AGREEMENT, Condition.FORM})
"""Conditions that readers have to agree to, which a gate on the Hub asks of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartTerms:
    """Terms of one part.

    Attributes:
        license: Hub licence id.
        clause: What the terms say, in short; for unknown ones, what was looked for.
        evidence: File, release or DOI where that was read.
        of: The dataset whose terms these are: the source itself, or one that its pixels come from.
    """

    redistribute: Redistribute
    conditions: frozenset[Condition] = frozenset()
    license: str = "unknown"
    clause: str = ""
    evidence: str = ""
    of: str = ""

    def and_also(self, other: PartTerms) -> PartTerms:
        """Both together: the stricter word, the conditions of either, and what each says where it adds something."""
        order = list(Redistribute)
        strict = max(self, other, key=lambda one: order.index(one.redistribute))  # of equals, the first
        looser = other if strict is self else self
        joined = replace(strict, conditions=self.conditions | other.conditions)
        if not joined.redistribute.may or looser.conditions <= strict.conditions:
            return joined
        clause = f"{strict.clause}; and of {looser.of}, whose pixels they are: {looser.clause}"
        return replace(joined, clause=clause, evidence=f"{strict.evidence}; {looser.evidence}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What this package declines to publish although the terms would let it, and why."""

    withhold: frozenset[Part] = frozenset()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTerms:
    """Terms of one source.

    Attributes:
        parts: Each part to its terms, those of upstream datasets not yet joined in (see :meth:`effective`).
        upstream: Sources whose recordings its pixels are.
        read: Day on which the evidence was read; None where there is none.
        gate: What readers have to agree to where a dataset with this source is gated.
    """

    source: str
    license: str
    parts: Mapping[Part, PartTerms]
    upstream: tuple[str, ...] = ()
    policy: Policy = field(default_factory=Policy)
    read: datetime.date | None = None
    gate: str = ""

    def effective(self, part: Part) -> PartTerms:
        """What holds for a part, terms of the datasets that its pixels come from included."""
        found = self.parts[part]
        if part in PIXELS:
            for name in self.upstream:
                found = found.and_also(terms_of(name).effective(part))
        return found

    def withheld(self, part: Part) -> str:
        """Why this package does not publish a part that the terms would let it publish; empty where it does."""
        if part in self.policy.withhold:
            return self.policy.reason
        if part in PIXELS:
            return next((why for name in self.upstream if (why := terms_of(name).withheld(part))), "")
        return ""

    def publishes(self, part: Part) -> bool:
        """Whether this package publishes a part: the terms let it, and no policy of ours withholds it."""
        return self.effective(part).redistribute.may and not self.withheld(part)

    @property
    def published(self) -> tuple[Part, ...]:
        """The parts of a source that this package publishes, its own questions aside."""
        return tuple(part for part in Part if part is not Part.QUESTIONS and self.publishes(part))

    @property
    def gates(self) -> tuple[str, ...]:
        """What readers have to agree to, upstream datasets included."""
        own = (self.gate,) if self.gate else ()
        return tuple(dict.fromkeys((*own, *(g for name in self.upstream for g in terms_of(name).gates))))


_NOTHING = PartTerms(redistribute=Redistribute.UNKNOWN, clause="no terms found", evidence="none")


def no_terms(source: str) -> SourceTerms:
    """Of a source whose terms are stated nowhere: nothing may go out."""
    return SourceTerms(source=source, license="unknown", parts={part: replace(_NOTHING, of=source) for part in Part})


def free_terms(source: str, license: str = "cc0-1.0") -> SourceTerms:
    """Of a source of somebody's own making that is free in all its parts."""
    one = PartTerms(redistribute=Redistribute.YES, license=license, clause="of our own making", of=source)
    return SourceTerms(source=source, license=license, parts=dict.fromkeys(Part, one))


@cache
def terms_of(source: str) -> SourceTerms:
    """The stated terms of a source; those of :func:`no_terms` where none are stated.

    Raises:
        SurgSigmaError: its file is not as this module describes.
    """
    place = resources.files("surgsigma_hub.loaders") / "terms" / f"{source}.yaml"
    if not place.is_file():
        return no_terms(source)
    return parse_terms(place.read_text("utf-8"), source=source)


def parse_terms(text: str, *, source: str) -> SourceTerms:
    """Terms from YAML.

    ``license``, ``read`` (a day) and ``parts`` are needed, ``upstream``, ``policy`` (``withhold`` and ``reason``) and
    ``gate`` may be there. A part is a mapping of ``redistribute``, ``conditions``, ``license``, ``clause`` and
    ``evidence``, or the name of a part above it that it equals; ``questions`` are as the annotations unless stated.

    Raises:
        SurgSigmaError: naming what is wrong.
    """
    where = f"terms of {source}"
    try:
        raw = yaml.safe_load(text)
        unknown = set(raw) - {"license", "read", "upstream", "parts", "policy", "gate"}
        if unknown:
            raise ValueError(f"unknown field {sorted(unknown)[0]!r}")
        policy = raw.get("policy") or {}
        if policy and not policy["reason"]:
            raise ValueError("a policy without a reason")
        return SourceTerms(
            source=source,
            license=_license(raw["license"]),
            parts=dict(_parts(source, raw)),
            upstream=tuple(map(str, raw.get("upstream") or ())),
            policy=Policy(
                withhold=frozenset(map(Part, policy.get("withhold") or ())), reason=str(policy.get("reason", ""))
            ),
            read=_day(raw["read"]),
            gate=str(raw.get("gate") or ""),
        )
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise SurgSigmaError(
            f"{where}: {what}", hint="The form is described in surgsigma_hub/source/terms.py, parse_terms."
        ) from None


def _parts(source: str, raw: Mapping[str, Any]) -> Iterator[tuple[Part, PartTerms]]:
    stated = {Part(name): value for name, value in raw["parts"].items()}
    made: dict[Part, PartTerms] = {}
    for part in Part:
        value = stated.get(part, Part.ANNOTATIONS.value if part is Part.QUESTIONS else None)
        if value is None:
            raise ValueError(f"nothing is said of {part}")
        made[part] = made[Part(value)] if isinstance(value, str) else _part(source, part, value, str(raw["license"]))
        yield part, made[part]


def _part(source: str, part: Part, value: Mapping[str, Any], license: str) -> PartTerms:
    unknown = set(value) - {"redistribute", "conditions", "license", "clause", "evidence"}
    if unknown:
        raise ValueError(f"unknown field {sorted(unknown)[0]!r} of {part}")
    word = value["redistribute"]
    word = {True: "yes", False: "no"}.get(word, word) if isinstance(word, bool) else word
    made = PartTerms(
        redistribute=Redistribute(word),
        conditions=frozenset(map(Condition, value.get("conditions") or ())),
        license=_license(value.get("license", license)),
        clause=str(value["clause"]),
        evidence=str(value["evidence"]),
        of=source,
    )
    if bool(made.conditions) != (made.redistribute is Redistribute.CONDITIONAL):
        raise ValueError(f"{part} is {made.redistribute}, with {len(made.conditions)} conditions")
    return made


def _license(value: object) -> str:
    if value not in LICENSES:
        raise ValueError(f"unknown licence id {value!r}, expected one of {', '.join(sorted(LICENSES))}")
    return str(value)


def _day(value: object) -> datetime.date:
    if not isinstance(value, datetime.date):
        raise ValueError(f"read is {value!r}, expected a day such as 2026-11-29")
    return value
