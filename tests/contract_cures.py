"""What to do about a source that breaks the contract, said by each check of ``test_contract.py``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from surgsigma_hub.records import Fact
from surgsigma_hub.tasks import get_task

EXAMPLES = {
    Fact.PHASE: "a moment with a phase",
    Fact.STEP: "a moment with a step",
    Fact.INSTRUMENTS: "a moment whose instruments are listed, the list may be empty",
    Fact.TISSUES: "a moment whose tissues are listed",
    Fact.ACTIONS: "a moment whose actions are listed",
    Fact.TRIPLETS: "a moment with an instrument, what it does and to what",
    Fact.INSTRUMENT_BOXES: "a moment with the box of an instrument",
    Fact.TISSUE_BOXES: "a moment with the box of a tissue",
    Fact.INSTRUMENT_MASKS: "a moment with the outline or the mask of an instrument",
    Fact.PART_MASKS: "a moment with the mask of a part of an instrument",
    Fact.CRITERIA: "a moment with a verdict on a safety criterion",
    Fact.DEPTH: "a moment with a depth map",
    Fact.CLEAN_IMAGE: "a moment with its image without smoke",
    Fact.TRACE: "a moment with reasoning of the source's own",
    Fact.ACTION_SEGMENTS: "an action with start and end",
    Fact.PHASE_SEGMENTS: "a phase with start and end",
    Fact.STEP_SEGMENTS: "a step with start and end",
    Fact.FOOTAGE: "a video with its film, or with numbered images at a steady rate",
}
"""By fact, the least that a fixture needs so that the fact is held."""

MORE = {
    "action_remaining_prediction": "an action of 2 s or more that ends before its video or its labels do",
    "next_action_planning": "three actions that follow each other, the second of which ends where it is labelled",
    "next_frame_generation": "footage that goes on for 2 s or more after a moment, with something told of both",
    "video_captioning": "footage under an action for 2 s or more",
    "video_generation": "footage under an action for 2 s or more",
}
"""What a task needs beyond an example of each of its facts."""


def facts_missing(name: str, missing: Iterable[Fact]) -> str:
    """For facts that the metadata declares and the fixture does not show."""
    lines = [
        f"no example of {fact}: tests/fixtures/{name} needs {EXAMPLES[fact]}, or drop Fact.{fact.name} from info.facts"
        for fact in sorted(missing)
    ]
    return "\n".join(lines)


def facts_undeclared(name: str, more: Iterable[Fact]) -> str:
    """For facts that the fixture shows and the metadata does not declare."""
    return f"loaders/{name}.py yields what it does not declare: add {_members(more)} to info.facts"


def tasks_differ(
    name: str, built: Collection[str], offered: Iterable[str], facts: frozenset[Fact], left_out: Mapping[str, int]
) -> str:
    """For tasks that the facts of a source allow and its fixture gives no sample of."""
    lines: list[str] = []
    for task in sorted(set(offered) - set(built)):
        need = min((n for n in get_task(task).needs if n <= facts), key=lambda n: (len(n), sorted(n)))
        wanted = MORE.get(task) or " and ".join(EXAMPLES[fact] for fact in sorted(need))
        lines.append(f"no sample of {task}: tests/fixtures/{name} needs {wanted}, or drop {_members(need)}")
    if lines and left_out:
        counts = ", ".join(f"{count} {reason}" for reason, count in sorted(left_out.items()))
        lines.append(f"the build left out: {counts}; see reports/{name}.json of the tree")
    return "\n".join(lines)


def _members(facts: Iterable[Fact]) -> str:
    return ", ".join(f"Fact.{fact.name}" for fact in sorted(facts))
