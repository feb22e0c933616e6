"""The pictures beside a card: banner, a picture per task, one sample, charts. Only media that may be shown.

A picture stays as it is while what it was made from is the same, whichever versions of Pillow and matplotlib drew it:
``assets/drawn.json`` keeps the digest of that. So a card can be checked where nothing can be drawn.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
from PIL import Image, ImageChops, ImageDraw

from ..media.lettering import cut, font
from ..media.overlay import colours, fitted
from ..ontology import NULL
from ..ontology.forms import noun_of
from ..preview import picture, picture_height
from ..preview.style import DARK
from ..shards.sampling import Picked
from ..source import Part
from ..source.terms import GATED
from ..tasks import all_tasks
from .chart_numbers import LOOKED_AT, ChartNumbers, chart_numbers
from .charts import bars, heat_map, timelines, why_no_charts
from .tree_facts import TreeFacts

DRAWN = "assets/drawn.json"
BANNER, SAMPLE = "assets/banner.jpg", "assets/sample.jpg"
_VERSION = 2
"""Of how things are drawn: another one makes all pictures stale."""
_FIRST = (
    "instrument_localization", "phase_recognition", "instrument_segmentation", "triplet_recognition",
    "safety_assessment", "depth_estimation", "desmoking", "tissue_localization", "video_captioning",
)  # fmt: skip
"""Tasks that a banner shows first: each looks different."""
_MOST = 8
"""Samples in a banner; fewer where a tree has fewer tasks."""
_TASK_WIDE = 240
"""Pixels; a card shows them at half of that, so that they stay sharp on dense screens."""
_PAPER, _TITLE, _SAID = (17, 20, 26), (240, 246, 252), (158, 166, 176)
"""Colours of a banner: dark in either mode, as the pictures are."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One picture beside a card.

    Attributes:
        title: Above it on the page; empty for what needs none.
        alt: What it shows, for those who do not see it.
    """

    path: str
    alt: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Pictures:
    """All pictures of a card: their files, and what to say of each."""

    files: Mapping[str, bytes]
    drawn: Mapping[str, Drawn]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One picture that could be drawn, and the digest of all that it is made from."""

    drawn: Drawn
    made_from: str
    draw: Callable[[], bytes]


def task_picture(task: str) -> str:
    """The place of a task's picture."""
    return f"assets/task_{task}.jpg"


def pictures(facts: TreeFacts, *, draw: bool) -> Pictures:
    """The pictures of a tree's card.

    Args:
        facts: The tree.
        draw: Make those that are missing or no longer of this tree; False takes only what lies there and still holds.
    """
    kept = _kept(facts.tree)
    if not draw and not kept:
        return Pictures({}, {})
    draw_charts = draw and not why_no_charts()
    files, drawn, notes = dict[str, bytes](), dict[str, Drawn](), dict[str, Any]()
    for one in _wanted(facts):
        path = one.drawn.path
        data = _still_good(facts.tree / path, kept.get(path), one.made_from)
        if data is None and (draw_charts if path.endswith(".svg") else draw):
            data = one.draw()
        if data is not None:
            files[path], drawn[path] = data, one.drawn
            notes[path] = {"made_from": one.made_from, "sha256": hashlib.sha256(data).hexdigest()}
    if notes:
        files[DRAWN] = orjson.dumps(notes, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
    return Pictures(files, drawn)


def ours(tree: Path) -> set[str]:
    """Pictures of a tree that this module drew, by their paths inside it."""
    return {path for path in (*_kept(tree), DRAWN) if (tree / path).is_file()}


def may_show(facts: TreeFacts, source: str) -> bool:
    """Whether pictures of a source may stand in a card, which has no gate."""
    info = facts.info(source)
    if info is None:
        return False
    parts = (Part.ANNOTATIONS, Part.MEDIA, Part.DERIVED)
    gated = any(info.terms.effective(part).conditions & GATED for part in parts)
    return not gated and all(info.terms.publishes(part) for part in parts)


def whole_sample(facts: TreeFacts) -> Picked | None:
    """The sample that a card shows whole: the first of a task, with the deepest reasoning; None where none may be."""
    fits = [(task, source) for task in _in_order(facts.tasks) for source in _sources(facts, task)]
    found = [facts.first(source=source, task=task) for task, source in fits]
    # The first of the deepest, so that it is the one in front of the banner.
    return max(found, key=lambda one: one.doc["reasoning"]["level"] or 0, default=None)


def _sources(facts: TreeFacts, task: str) -> list[str]:
    """The first source whose sample of a task may be shown, pictures included where some source has such."""
    mine = sorted({m.source for m in facts.manifests if task in m.counts})
    quoted = [s for s in mine if facts.may_quote(s)]
    return ([s for s in quoted if may_show(facts, s)] or quoted)[:1]


def _in_order(tasks: Sequence[str]) -> list[str]:
    return sorted(tasks, key=lambda t: (_FIRST.index(t) if t in _FIRST else len(_FIRST), t))


def _wanted(facts: TreeFacts) -> list[_Wanted]:
    shown = {
        task: facts.first(source=source, task=task)
        for task in _in_order(facts.tasks)
        for source in _sources(facts, task)
        if may_show(facts, source)
    }
    shown = {task: one for task, one in shown.items() if one.media}
    found: list[_Wanted] = []
    front = list(shown.values())[:_MOST]
    if front:
        names = ", ".join(task.replace("_", " ") for task in list(shown)[: len(front)])
        alt = f"Samples with boxes, masks, questions and answers drawn in: {names}"
        found.append(_Wanted(Drawn(BANNER, alt), _digest(front), lambda: _banner(front)))
    for task, one in shown.items():
        drawn = Drawn(task_picture(task), f"A sample of {task.replace('_', ' ')}")
        found.append(_Wanted(drawn, _digest([one]), lambda one=one: _jpeg(_small(one))))  # type: ignore[misc]
    whole = whole_sample(facts)
    if whole is not None and whole.media and may_show(facts, whole.doc["source"]):
        alt = f"What the sample of {whole.doc['task'].replace('_', ' ')} looks at, with its answer drawn in"
        found.append(_Wanted(Drawn(SAMPLE, alt), _digest([whole]), lambda: _jpeg(_picture(whole))))
    return found + _wanted_charts(chart_numbers(facts))


def _wanted_charts(numbers: ChartNumbers) -> list[_Wanted]:
    seen = "" if numbers.whole else f", in the first {LOOKED_AT:,} samples of each part"
    most = next(iter(numbers.labels.items()), ("", 0))
    first = next(iter(numbers.tasks), "").replace("_", " ")
    samples = sum(next(iter(numbers.tasks.values()), {}).values())
    charts: list[tuple[str, str, str, object, Callable[[], bytes]]] = [
        ("tasks", "Samples by task and source", f"Bars of samples by task; the longest is {first} with {samples:,}",
         numbers.tasks, lambda: bars(numbers.tasks)),
        ("labels", f"The most frequent labels{seen}",
         f"Bars of samples by label; the longest is {most[0].replace('_', ' ')} with {most[1]:,}",
         numbers.labels, lambda: bars({name: {"samples": count} for name, count in numbers.labels.items()})),
        ("phases", "The course of a few operations", f"Lines over time, coloured by phase, of {len(numbers.phases)} "
         "videos", numbers.phases, lambda: timelines(numbers.phases)),
        ("boxes", f"Where boxes lie{seen}", "Heat map of the image: the fuller the colour, the more boxes cover "
         "that place", numbers.boxes, lambda: heat_map(numbers.boxes, unit="boxes")),
    ]  # fmt: skip
    return [
        _Wanted(Drawn(f"assets/{name}.svg", alt, title), _of([name, numbers_of]), draw)
        for name, title, alt, numbers_of, draw in charts
        if numbers_of
    ]


def _digest(picked: Sequence[Picked]) -> str:
    media = [{name: hashlib.sha256(data).hexdigest() for name, data in one.media.items()} for one in picked]
    return _of([[asdict(one) | {"media": of, "shard": ""} for one, of in zip(picked, media, strict=True)]])


def _of(value: object) -> str:
    return hashlib.sha256(orjson.dumps([_VERSION, value], option=orjson.OPT_SORT_KEYS)).hexdigest()


def _kept(tree: Path) -> dict[str, Any]:
    """What ``drawn.json`` of a tree says; nothing where it cannot be read, so that all is drawn anew."""
    try:
        found = orjson.loads((tree / DRAWN).read_bytes())
    except (OSError, ValueError):
        return {}
    return {k: v for k, v in found.items() if k.startswith("assets/")} if isinstance(found, dict) else {}


def _still_good(path: Path, said: Any, made_from: str) -> bytes | None:
    """The bytes of a picture that lies there; None where it is of something else, or was changed."""
    if not isinstance(said, dict) or said.get("made_from") != made_from or not path.is_file():
        return None
    data = path.read_bytes()
    return data if hashlib.sha256(data).hexdigest() == said.get("sha256") else None


def _banner(picked: Sequence[Picked]) -> bytes:
    """Pictures side by side, two rows, each with the name of its task and its typed answer."""
    wide, tall, gap, strip = 460, 330, 12, 62
    columns = (len(picked) + 1) // 2 if len(picked) > 3 else len(picked)
    rows = -(-len(picked) // columns)
    made = Image.new("RGB", (columns * (wide + gap) - gap, rows * (tall + strip + gap) - gap), _PAPER)
    pen = ImageDraw.Draw(made)
    for number, one in enumerate(picked):
        x, y = number % columns * (wide + gap), number // columns * (tall + strip + gap)
        body = fitted(_trimmed(_picture(one)), (wide, tall))
        made.paste(body, (x + (wide - body.width) // 2, y + (tall - body.height) // 2))
        task = all_tasks().get(one.doc["task"])
        title = task.title if task else one.doc["task"].replace("_", " ")
        pen.text((x + 8, y + tall + 6), cut(title, font(25), wide - 16), font=font(25), fill=_TITLE)
        said = cut(_said(one.doc), font(19), wide - 16)
        pen.text((x + 8, y + tall + 36), said, font=font(19), fill=_SAID)
    return _jpeg(made)


def _said(doc: Mapping[str, Any]) -> str:
    """The answer in a few words: as it is typed, else as it is written."""
    answer = doc["answer"]
    labels = answer["labels"] or [b["label"] for b in answer["boxes"]]
    said = ", ".join(map(noun_of, dict.fromkeys(labels)))
    if answer["triplets"]:
        triplets = [[t["instrument"], t["action"], t["target"]] for t in answer["triplets"]]
        said = "; ".join(", ".join(noun_of(part) for part in one if part != NULL) for one in triplets)
    if answer["criteria"]:
        met = sum(c["met"] is True for c in answer["criteria"])
        said = f"{met} of {len(answer['criteria'])} criteria of the critical view met"
    return " ".join((said or doc["messages"][-1]["content"]).split())


def _small(one: Picked) -> Image.Image:
    made = _trimmed(_picture(one))
    return made.resize((_TASK_WIDE, round(made.height * _TASK_WIDE / made.width)), Image.Resampling.LANCZOS)


def _trimmed(made: Image.Image) -> Image.Image:
    """A picture without the empty margins of a clip's stills, which a thumbnail has no room for."""
    return made.crop(ImageChops.difference(made, Image.new("RGB", made.size, DARK)).getbbox())


def _picture(one: Picked) -> Image.Image:
    return picture(one, colours(b["label"] for b in one.doc["answer"]["boxes"]), picture_height([one]))


def _jpeg(image: Image.Image) -> bytes:
    data = io.BytesIO()
    image.convert("RGB").save(data, "JPEG", quality=85, optimize=True)
    return data.getvalue()
