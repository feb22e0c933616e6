"""All about one source, one task or one tree: as plain values, and printed from those."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import orjson

from ..registry import get_source
from ..shards.answer_statistics import Distribution, Spread, Tally, count_answers
from ..shards.config_names import FRAMES
from ..shards.manifest import load_tree
from ..shards.wording_statistics import Variety, Wording, count_wording
from ..source import Part, SourceInfo, SourceTerms
from ..tasks import Task
from ..visible import size_text
from .output import say, table, wrapped


def source_dict(info: SourceInfo, offered: Sequence[str]) -> dict[str, Any]:
    """All that is known of a source, its options and the tasks it offers today."""
    options = {
        f.name: {"default": f.default, "help": f.metadata.get("help", "")}
        for f in fields(get_source(info.name).options_type)
    }
    return {
        "name": info.name,
        "title": info.title,
        "specialty": info.specialty.value,
        "procedure": info.procedure.value,
        "modality": info.modality.value,
        "license": info.license,
        "access": info.access.value,
        "access_steps": info.access_steps,
        "homepage": info.homepage,
        "layout": info.layout,
        "facts": sorted(f.value for f in info.facts),
        "coverage": {fact.value: of.value for fact, of in sorted(info.coverage.items())},
        "box_extent": None if info.box_extent is None else info.box_extent.value,
        "split_schemes": {name: list(splits) for name, splits in info.split_schemes.items()},
        "terms": terms_dict(info.terms),
        "label_origin": info.label_origin,
        "needs_root": info.needs_root,
        "options": options,
        "tasks": list(offered),
    }


def terms_dict(terms: SourceTerms) -> dict[str, Any]:
    """What may be published of a source, part by part, the terms of whose pixels they are included."""
    made: dict[str, Any] = {}
    for part in Part:
        found = terms.effective(part)
        made[part.value] = {
            "redistribute": found.redistribute.value,
            "conditions": sorted(found.conditions),
            "license": found.license,
            "clause": found.clause,
            "evidence": found.evidence,
            "withheld": terms.withheld(part),
        }
    return made


def print_source(source: Mapping[str, Any]) -> None:
    """A source for reading."""
    say(f"{source['name']}: {source['title']}")
    say(f"  {source['specialty']}, {source['procedure'].replace('_', ' ')}, {source['modality']}")
    say(f"  licence {source['license']}; labels: {source['label_origin']}")
    for part, terms in source["terms"].items():
        held = f"; {', '.join(terms['conditions'])}" if terms["conditions"] else ""
        say(f"  publish {part.ljust(11)}: {terms['redistribute']}{held} ({terms['clause']})")
        if terms["withheld"]:
            say(f"    withheld by a policy of this package: {terms['withheld']}")
    if source["coverage"]:
        say(f"  lists: {', '.join(f'{fact} {of}' for fact, of in source['coverage'].items())}; others all in view")
    if source["box_extent"]:
        say(f"  boxes of instruments enclose the {source['box_extent']}")
    say(f"\nAccess ({source['access']}):\n{wrapped(source['access_steps'])}\n    {source['homepage']}")
    say("\nSplits:")
    for n, (name, splits) in enumerate(source["split_schemes"].items()):
        say(f"    {name}{' (default)' if n == 0 else ''}: {', '.join(splits)}")
    say("\nOptions (--option KEY=VALUE):")
    for name, option in source["options"].items():
        say(f"    {name}={option['default']}   {option['help']}")
    if source["needs_root"]:
        say("\nExpected layout of --root:")
        say("\n".join(f"    {line}" for line in source["layout"].rstrip().splitlines()))
    say(f"\nTasks ({len(source['tasks'])}):\n{wrapped(', '.join(source['tasks']) or 'none today')}")
    root = " --root DIR" if source["needs_root"] else ""
    say(f"\nBuild it with: surgsigma build {source['name']}{root}")


def task_dict(task: Task, offered_by: Sequence[str]) -> dict[str, Any]:
    """All that is known of a task and the sources that offer it today."""
    return {
        "name": task.name,
        "title": task.title,
        "description": task.description,
        "family": task.family,
        "media_in": task.media_in.value,
        "answer": task.answer.value,
        "hub_category": task.hub_category,
        "needs": [sorted(f.value for f in need) for need in task.needs],
        "level": task.level,
        "sources": list(offered_by),
    }


def print_task(task: Mapping[str, Any]) -> None:
    """A task for reading, with its wordings."""
    from ..tasks.common.wording import bank

    say(f"{task['name']}: {task['title']}")
    say(wrapped(task["description"], "  "))
    say(f"  family {task['family']}, looks at {task['media_in']}, answers with {task['answer']}, level {task['level']}")
    say(f"  needs the facts: {', or '.join(' + '.join(need) for need in task['needs'])}")
    say(f"  offered by: {', '.join(task['sources']) or 'no source today'}")
    wordings = bank(task["name"])
    for title, groups in (("Questions", wordings.questions), ("Answers", wordings.answers)):
        say(f"\n{title}:")
        for group, lines in groups.items():
            say(f"  {group} ({len(lines)})")
            say("\n".join(wrapped(line) for line in lines[:3]))


def shown(path: Path) -> str:
    """A path as text that goes into JSON, also where its name is not UTF-8."""
    return path.as_posix().encode("utf-8", "backslashreplace").decode()


def tree_dict(tree: Path) -> dict[str, Any]:
    """What a tree holds by its manifests, and what its build reports say was left out."""
    manifests = load_tree(tree)
    parts = [
        {
            "config": f"{m.task}-{m.source}",
            "task": m.task,
            "source": m.source,
            "split": m.split,
            "samples": m.samples,
            "conversations": dict(m.counts),
            "videos": len(m.videos),
            "shards": len(m.shards),
            "bytes": m.bytes,
            "media_bytes": m.media_bytes,
            "members": list(m.members),
        }
        for m in manifests
    ]
    return {
        "tree": shown(tree),
        "format_versions": sorted({m.format_version for m in manifests}),
        "tasks": sorted({task for m in manifests for task in m.counts}),
        "sources": sorted({m.source for m in manifests}),
        "samples": sum(m.samples for m in manifests),
        "conversations": sum(m.rows for m in manifests),
        "bytes": sum(m.bytes for m in manifests),
        "videos": len({video for m in manifests for video in m.videos}),
        "parts": parts,
        "quarantined": {source: _quarantined(tree, source) for source in sorted({m.source for m in manifests})},
    }


def _quarantined(tree: Path, source: str) -> dict[str, int] | None:
    """What the last build of a source left out, by reason; None where the tree keeps no report of it."""
    try:
        report = orjson.loads((tree / "reports" / f"{source}.json").read_bytes())
        return {str(reason): int(count) for reason, count in report["quarantined"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def print_tree(tree: Mapping[str, Any]) -> None:
    """A tree for reading."""
    rows = [
        (p["task"], p["source"], p["split"], p["samples"], p["videos"], p["shards"], size_text(p["bytes"]))
        for p in tree["parts"]
    ]
    total = ("total", "", "", tree["samples"], tree["videos"], sum(r[5] for r in rows), size_text(tree["bytes"]))
    say(table(("task", "source", "split", "samples", "videos", "shards", "size"), rows, total=total))
    for p in tree["parts"]:
        if p["task"] == FRAMES:
            told = ", ".join(f"{task} {count:,}" for task, count in p["conversations"].items())
            say(wrapped(f"{FRAMES} {p['source']} {p['split']}, conversations: {told}"))
    say(f"\nConfigs: a task, a source, <task>-<source>, or all. Format version {', '.join(tree['format_versions'])}.")
    for source, counts in tree["quarantined"].items():
        if counts is None:
            said = "no report"
        else:
            said = ", ".join(f"{reason} {count:,}" for reason, count in counts.items()) or "nothing"
        say(f"Left out of {source}: {said}")


def answers_dict(tree: Path) -> dict[str, Any]:
    """How the answers of a tree are distributed, by task, source and split."""
    return {"tree": shown(tree), "answers": [found.as_dict() for found in count_answers(tree)]}


def print_answers(tree: Path, top: int) -> None:
    """The distributions for reading, task by task; of each kind of thing the ``top`` most frequent."""
    found = count_answers(tree)
    for number, name in enumerate(sorted({d.task for d in found})):
        mine = [d for d in found if d.task == name]
        say(f"{chr(10) if number else ''}{name} (answers with {mine[0].kind or 'nothing yet'})\n")
        rows = [(d.source, d.split, d.samples, _percent(d.none, d.samples), *_guessed(d)) for d in mine]
        # A guess of seconds has an error where others have a share; a table of one task holds one of the two.
        scored = "mean error" if any(d.seconds for d in mine) else "right"
        say(table(("source", "split", "samples", "none", scored, "always answering"), rows))
        parts = [row for d in mine for row in _things(d, top)]
        if parts:
            say(f"\n{table(('source', 'split', 'what', '', 'count', 'share'), parts)}")


def _things(found: Distribution, top: int) -> list[tuple[object, ...]]:
    groups: tuple[tuple[str, Sequence[Tally], bool], ...] = (
        ("label", found.labels, True),
        ("triplet", found.triplets, True),
        ("criterion met", found.criteria, False),
        ("boxes in an answer", found.boxes_per_answer, False),
        ("size of a box", found.box_sizes, False),
    )
    rows: list[tuple[object, ...]] = []
    for what, tallies, ranked in groups:
        for one in tallies[:top] if ranked else tallies:
            rows.append((found.source, found.split, what, one.what, one.count, f"{one.share:.1%}"))
        if ranked and len(tallies) > top:
            rows.append((found.source, found.split, what, f"({len(tallies) - top} more)", None, ""))
    for what, spread in (("seconds", found.seconds), ("words", found.words)):
        if spread is not None:
            rows.append((found.source, found.split, f"{what}, quartiles", _spread(spread), None, ""))
    return rows


def _spread(spread: Spread) -> str:
    inner = " | ".join(f"{value:g}" for value in (spread.first, spread.median, spread.third))
    return f"{spread.low:g} to {spread.high:g}: {inner}"


def _percent(count: int | None, total: int) -> str:
    return "" if count is None or not total else f"{count / total:.1%}"


def _guessed(found: Distribution) -> tuple[str, str]:
    guess = found.guess
    if guess is None:
        return "", "(the answer is a medium)" if found.samples else ""
    answer = guess.answer if len(guess.answer) <= 60 else f"{guess.answer[:57]}..."
    return (f"{guess.mean_error:.2f} s", f"{answer} s") if guess.accuracy is None else (f"{guess.accuracy:.1%}", answer)


def wording_dict(tree: Path) -> dict[str, Any]:
    """How varied the language of a tree is, by task, and what blind guesses score."""
    return {"tree": shown(tree), "wording": [found.as_dict() for found in count_wording(tree)]}


def print_wording(tree: Path) -> None:
    """The variety of questions, answers and traces; the kinds of question; what guesses without an image score."""
    found = count_wording(tree)
    rows = [(w.task, what, *_varied(v)) for w in found for what, v in _texts(w) if v is not None]
    say(table(("task", "", "texts", "per 1,000", "2-grams", "3-grams", "self-BLEU", "words 5/50/95 %"), rows))
    kinds = [(w.task, kind, count, f"{count / w.samples:.1%}") for w in found for kind, count in w.kinds.items()]
    say(f"\n{table(('task', 'kind of question', 'samples', 'share'), kinds)}")
    blind = [
        (w.task, b.source, b.samples, f"{b.constant:.1%}", _share(b.question), _share(b.box))
        for w in found
        for b in w.blind
    ]
    say(f"\n{table(('task', 'source', 'samples', 'constant', 'question only', 'median box'), blind)}")
    read = [
        (w.task, r.source, r.traces, _share(r.constant or None), _share(r.levels), _share(r.sentence),
         _share(r.levels_there), f"{r.copied:.1%}")
        for w in found
        for r in w.readings
    ]  # fmt: skip
    if read:
        header = ("task", "source", "traces", "constant", "levels 1+2", "level 3 alone", "1+2 there", "answer copied")
        say(f"\nTraces, read without the image and without the answer:\n{table(header, read)}")


def _texts(found: Wording) -> tuple[tuple[str, Variety | None], ...]:
    return ("questions", found.questions), ("answers", found.answers), ("traces", found.traces)


def _varied(one: Variety) -> tuple[object, ...]:
    bleu = "" if one.self_bleu is None else f"{one.self_bleu:.2f}"
    words = "/".join(map(str, one.words))
    return one.texts, one.per_thousand, f"{one.bigrams:.3f}", f"{one.trigrams:.3f}", bleu, words


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"
