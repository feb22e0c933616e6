"""Sections of the root card that say what to look out for: overlap, who labelled, limits, checks, uses, citations."""

from __future__ import annotations

import csv
from collections import Counter
from functools import cache
from importlib import resources

from ..shards.answer_statistics import documents
from ..source.benchmarks import all_benchmarks
from .citations import bibtex
from .leaks import find_leaks
from .markdown import plain
from .root_sections import count, hidden
from .tree_facts import TreeFacts

_BENCHMARK = "benchmark "
_ORIGINS = {
    "expert": "people who know the field, as the source's card says",
    "derived": "computed from labels of experts",
    "model": "a model, named in json.provenance",
    "synthetic": "exact, by the program that drew the scenes",
}


def overlap(facts: TreeFacts) -> str:
    """Which named benchmarks test on surgeries that this tree trains on."""
    known = all_benchmarks()
    surgeries: dict[str, set[str]] = {}
    by: dict[str, set[str]] = {}
    for leak in find_leaks(facts.manifests, list(known.values())):
        if leak.tested.startswith(_BENCHMARK):
            name = leak.tested.removeprefix(_BENCHMARK)
            surgeries.setdefault(name, set()).add(leak.surgery)
            by.setdefault(name, set()).add(facts.named(leak.trained))
    if not surgeries:
        return (
            f"No surgery to train on is one that a benchmark tests on, of the {len(known)} that this package knows "
            f"({', '.join(sorted(known))})."
        )
    lines = [
        f"- {plain(name)}: {len(found)} of its {len(known[name].surgeries)} test surgeries, trained on in "
        f"{plain(', '.join(sorted(by[name])))}"
        for name, found in sorted(surgeries.items())
    ]
    return (
        "Of these benchmarks, test surgeries are among those to train on here. Leave them out before you report a "
        "result: `surgsigma build --split-policy leak-free` does.\n\n" + "\n".join(lines)
    )


def labellers(facts: TreeFacts) -> str:
    """Who labelled, source by source, and how far several raters agree."""
    agreement = _agreement(facts)
    lines = []
    for name in facts.sources:
        info = facts.info(name)
        said = _ORIGINS[info.label_origin] if info is not None else "not known to this version"
        agreed = f"; {agreement[name]}" if name in agreement else ""
        lines.append(f"- {plain(facts.named(name))}: {plain(said)}{agreed}")
    return (
        "Questions, answers and traces are written by this package from the labels. The labels are by:\n\n"
        + "\n".join(lines)
    )


def closing(facts: TreeFacts) -> list[str]:
    """Limits, how to check, uses, privacy, where to report, citations."""
    without = hidden(facts)
    shown = f" No picture of {', '.join(map(plain, without))} stands in this card, for its terms." if without else ""
    return [
        "## Known limits",
        "\n".join(f"{n}. {text}" for n, text in enumerate(_limits(facts), 1)),
        "## Check it",
        "```bash\nsurgsigma verify ORG/NAME\nsurgsigma browse ORG/NAME\n```",
        "Manifests hold the sha256 of each shard, and `pin.json`, where it is there, what the build was given. "
        "`verify` compares them with what is here, without downloading.",
        "## Uses",
        "**Intended:** training and testing models that answer questions about surgical images and videos; research "
        "on their reasoning. **Out of scope:** clinical decisions, assessment of surgeons, identification of persons.",
        "## Privacy and reports",
        "Metadata of images and videos are removed; out-of-body frames are left out and counted." + shown + " A "
        "defect, or a video that should not be here: open a discussion in this dataset and name `json.id`.",
        "## Cite",
        "SurgSigma-DB, whose tasks and name this follows, and each source that you use:\n\n```bibtex\n"
        f"{bibtex(facts.sources)}\n```",
    ]


def _agreement(facts: TreeFacts) -> dict[str, str]:
    """By source and criterion, how often the raters are of one mind; sources that keep no scores are left out."""
    of_one_mind: Counter[tuple[str, str]] = Counter()
    rated: Counter[tuple[str, str]] = Counter()
    for m in facts.manifests:
        if "safety_assessment" not in m.counts:
            continue
        seen: set[tuple[str, int, str]] = set()  # one criterion is asked for alone as well
        for doc in documents(facts.tree, m, ("answer", "video_id", "frame_index")):
            for verdict in doc["answer"]["criteria"]:
                judged = (doc["video_id"], doc["frame_index"], verdict["criterion"])
                if len(scores := verdict["scores"]) > 1 and judged not in seen:
                    seen.add(judged)
                    rated[m.source, verdict["criterion"]] += 1
                    of_one_mind[m.source, verdict["criterion"]] += len(set(scores)) == 1
    made: dict[str, str] = {}
    for source in dict.fromkeys(source for source, _ in rated):
        each = {criterion: total for (of, criterion), total in sorted(rated.items()) if of == source}
        agreed, total = sum(of_one_mind[source, criterion] for criterion in each), sum(each.values())
        parts = ", ".join(f"{name} {of_one_mind[source, name] / n:.0%}" for name, n in each.items())
        made[source] = f"all raters agree in {agreed / total:.0%} of {count(total, 'verdict')} on a criterion ({parts})"
    return made


def _limits(facts: TreeFacts) -> list[str]:
    """Known limits of what is in this tree, each with its public thread where there is one."""
    made = [facts.synthetic(source) for source in facts.sources]
    kinds = {"all"} | {"synthetic" for one in made if one} | {"recorded" for one in made if not one}
    if any(member.endswith(".mp4") for member in facts.held().members):
        kinds.add("video")
    return [
        f"{plain(row['text'])}" + (f" <{row['thread']}>" if row["thread"] else "")
        for row in _known_limits()
        if row["of"] in kinds
    ]


@cache
def _known_limits() -> tuple[dict[str, str], ...]:
    text = (resources.files(__package__) / "known_limits.csv").read_text("utf-8")
    return tuple(csv.DictReader(text.splitlines()))
