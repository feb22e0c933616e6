"""Text-only instantiation: annotations to finished JSON, without media, on labels like those of CholecT50.

Run: python benchmarks/text.py [--frames N] [--rounds N]. Prints samples per second of one process, by round and median.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time

from surgsigma_hub.ontology import native_names, resolve_frame
from surgsigma_hub.reasoning import Memory, reason
from surgsigma_hub.records import Box, Frame, Label, LabeledBox, Media, Triplet, Video
from surgsigma_hub.registry import get_source
from surgsigma_hub.schema import sample_bytes
from surgsigma_hub.tasks import all_tasks
from surgsigma_hub.tasks.common.compose import compose, moment_id, sample_id
from surgsigma_hub.tasks.common.dialogue import ALONE, Shares, talk_about
from surgsigma_hub.tasks.common.further import every_draft, is_further, may_be_reasoned
from surgsigma_hub.tasks.common.question_kinds import Style

PICTURE = Media("image.jpg", "image", "input", "0" * 64)
SHARES = Shares(0.2, 0.2)


def frames(count: int) -> list[Frame]:
    """Frames with the facts of CholecT50: a phase, one to three triplets, a box for each instrument."""
    rng = random.Random(0)
    by_kind: dict[str, list[str]] = {}
    for kind, native in native_names("cholect50"):
        by_kind.setdefault(kind, []).append(native)
    made = []
    for index in range(count):
        triplets = tuple(
            Triplet(*(Label(rng.choice(by_kind[kind])) for kind in ("instrument", "action", "target")))
            for _ in range(rng.randint(1, 3))
        )
        corners = [(rng.random() * 0.7, rng.random() * 0.7) for _ in triplets]
        made.append(
            Frame(
                index=index,
                fps=1.0,
                phase=Label(rng.choice(by_kind["phase"])),
                instruments=tuple(dict.fromkeys(t.instrument for t in triplets)),
                actions=tuple(dict.fromkeys(t.action for t in triplets)),
                tissues=tuple(dict.fromkeys(t.target for t in triplets)),
                triplets=triplets,
                instrument_boxes=tuple(
                    LabeledBox(t.instrument, Box(x, y, x + 0.2, y + 0.2))
                    for t, (x, y) in zip(triplets, corners, strict=True)
                ),
            )
        )
    return made


def instantiate(annotated: list[Frame]) -> int:
    """Everything between a loader and the shard writer, but for media."""
    info = get_source("cholect50").info
    video = Video(id="VID01", canonical_id="cholec80/video01", split="train")
    tasks = [t for t in all_tasks().values() if t.draft is not None and t.offered_by(info.facts)]
    memory = Memory()
    count = 0
    for native in annotated:
        frame = resolve_frame("cholect50", native)
        stem = moment_id(info, video, frame)
        drafts = [(task, draft) for task in tasks for draft in every_draft(task, frame, info.name, stem, Style.VARIED)]
        beside = {task.name: (task, draft) for task, draft in drafts if not draft.key}
        for task, draft in drafts:
            id = sample_id(task, info, video, frame, draft)
            talk, trace = ALONE, None
            if not is_further(draft):
                talk = talk_about(task, draft, id, beside, SHARES)
            if may_be_reasoned(draft):
                trace = reason(task, frame, draft, info.procedure, seed=id, memory=memory)
            sample = compose(
                task, draft, id=id, info=info, video=video, frame=frame, media=[PICTURE], size=(854, 480),
                talk=talk, reasoning=trace,
            )  # fmt: skip
            sample_bytes(sample)
            count += 1
    return count


def main() -> None:
    """Time the rounds and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=3000, help="annotated frames a round (default: 3000)")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    annotated = frames(args.frames)
    rates = []
    for n in range(args.rounds):
        started = time.perf_counter()
        count = instantiate(annotated)
        rates.append(count / (time.perf_counter() - started))
        print(f"round {n + 1}: {count} samples, {rates[-1]:,.0f} samples/s")
    spread = f"{min(rates):,.0f}..{max(rates):,.0f}"
    print(f"median: {statistics.median(rates):,.0f} samples/s of one process (spread {spread})")


if __name__ == "__main__":
    main()
