"""What may go out of a tree: the terms of its sources against what the tree really holds.

What is refused is named by source, part and clause; what this package withholds of its own accord is told apart from
what a source's terms say. Whoever holds the rights says so for one source, and that is recorded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ..errors import SurgSigmaError, UnknownNameError
from ..shards.manifest import Manifest
from ..source.terms import GATED, PIXELS, Condition, Part, PartTerms, SourceTerms, terms_of

_TARGET_IS = {"depth_estimation": Part.DERIVED, "instrument_segmentation": Part.ANNOTATIONS}
"""What the medium that is asked for is: a mask was drawn, depth comes from pixels; others are as recorded."""

_INPUT_IS = {"desmoking": Part.DERIVED}
"""What the medium that is looked at is, where it is not as it was recorded: smoke was rendered over it."""

Why = Literal["term", "policy", "gate"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One part of one source that may not go out.

    Attributes:
        why: A ``term`` of the source, a ``policy`` of this package, or a ``gate`` that is not asked for.
        clause: What the term says, or why the policy is there.
        samples: Samples of the tree that hold the part.
    """

    source: str
    part: Part
    why: Why
    clause: str
    evidence: str
    samples: int

    def __str__(self) -> str:
        head = f"{self.source}: {self.part.words} ({self.samples:,} samples) may not be published"
        if self.why == "policy":
            return f"{head} by a policy of this package, which is no term of the source: {self.clause}"
        if self.why == "gate":
            return f"{head} without a gate, which its terms need: {self.clause} (read in: {self.evidence})"
        return f"{head}: {self.clause} (read in: {self.evidence})"

    def as_dict(self) -> dict[str, object]:
        """For ``--json`` and receipts."""
        return {"source": self.source, "part": self.part.value, "why": self.why, "clause": self.clause,
                "evidence": self.evidence, "samples": self.samples}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Held:
    """One part of one source as it is in a tree."""

    source: str
    part: Part
    samples: int
    terms: PartTerms
    withheld: str


@dataclass(frozen=True, slots=True)
class TreeTerms:
    """The terms of a whole tree.

    Attributes:
        held: Every part of every source that is in it.
        sources: Terms of the sources by name.
    """

    held: tuple[Held, ...]
    sources: Mapping[str, SourceTerms]

    @property
    def conditions(self) -> frozenset[Condition]:
        """All that whoever passes the tree on has to keep to."""
        return frozenset(c for one in self.held for c in one.terms.conditions)

    @property
    def gated(self) -> bool:
        """Whether readers have to agree to something before they may read it."""
        return bool(self.conditions & GATED)

    @property
    def gates(self) -> tuple[str, ...]:
        """What readers have to agree to, in the words of the terms."""
        return tuple(dict.fromkeys(g for name in sorted(self.sources) for g in self.sources[name].gates))

    def refusals(self, *, gated: bool = False, rights: Collection[str] = ()) -> tuple[Refusal, ...]:
        """What may not go out.

        Args:
            gated: Whether the dataset is gated on the Hub.
            rights: Sources of which the publisher holds the rights.

        Raises:
            UnknownNameError: rights of a source that is not in the tree.
        """
        for name in rights:
            if name not in self.sources:
                raise UnknownNameError("source", name, self.sources, where="this tree, whose rights you hold")
        found: list[Refusal] = []
        for one in self.held:
            if one.source in rights:
                continue
            terms = one.terms
            if not terms.redistribute.may or Condition.NO_DERIVATIVES in terms.conditions:  # all of ours is derived
                why: Why = "term"
            elif one.withheld:
                why = "policy"
            elif terms.conditions & GATED and not gated:
                why = "gate"
            else:
                continue
            clause = one.withheld if why == "policy" else terms.clause
            found.append(Refusal(one.source, one.part, why, clause, terms.evidence, one.samples))
        return tuple(found)


def parts_of(manifest: Manifest) -> frozenset[Part]:
    """What of its source the shards of one manifest hold.

    A sample always holds annotations and a question; its media are as recorded or derived, by the task.
    """
    found = {Part.ANNOTATIONS, Part.QUESTIONS}
    for member in () if manifest.without_media else manifest.members:
        wanted = member.startswith("target.")
        found |= {(_TARGET_IS if wanted else _INPUT_IS).get(task, Part.MEDIA) for task in manifest.counts}
    return frozenset(found)


def tree_terms(manifests: Iterable[Manifest], known: Mapping[str, SourceTerms] | None = None) -> TreeTerms:
    """The terms of a tree.

    Args:
        manifests: Of all its shards.
        known: Terms by source; None takes those that are stated in the package.
    """
    counted: dict[tuple[str, Part], int] = {}
    for manifest in manifests:
        for part in parts_of(manifest):
            key = manifest.source, part
            counted[key] = counted.get(key, 0) + manifest.rows
    names = sorted({source for source, _ in counted})
    terms = {name: (known or {}).get(name) or terms_of(name) for name in names}
    order = list(Part)
    held = tuple(
        Held(source, part, samples, terms[source].effective(part), terms[source].withheld(part))
        for (source, part), samples in sorted(counted.items(), key=lambda item: (item[0][0], order.index(item[0][1])))
    )
    return TreeTerms(held, terms)


def refuse(refusals: Iterable[Refusal]) -> None:
    """Raise for what may not go out.

    Raises:
        SurgSigmaError: naming every source, part and clause.
    """
    found = list(refusals)
    if not found:
        return
    lines = "\n  ".join(map(str, found))
    cures = ["Build a tree without them (surgsigma build --source ...)"]
    if all(one.part in PIXELS for one in found):
        cures.append("publish it without these media (--annotations-only)")
    if any(one.why == "gate" for one in found):
        cures.append("ask readers to agree (--gated manual)")
    cures.append("or, if the rights are yours, say so: " + " ".join(
        f"--i-hold-the-rights {name}" for name in sorted({one.source for one in found})
    ))  # fmt: skip
    raise SurgSigmaError(f"the terms of its sources keep this tree at home:\n  {lines}", hint="; ".join(cures) + ".")
