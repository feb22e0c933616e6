"""The scene graphs of SSG-VQA: boxes of instruments and structures, and the triplets of the frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import BadRowError
from ...media.boxes import from_xyxy
from ...records import Label, LabeledBox, Triplet
from ..strict_json import read_json

SIZE = (430, 240)
"""Width and height, in pixels, of the picture that boxes are of: the frame made smaller."""


@dataclass(frozen=True, slots=True)
class SceneGraph:
    """What one graph says; ``problems`` tells what of it was left out. ``triplets`` is None where it names none."""

    instruments: tuple[LabeledBox, ...]
    structures: tuple[LabeledBox, ...]
    triplets: tuple[Triplet, ...] | None
    problems: tuple[str, ...]


def read_scene_graph(path: Path) -> SceneGraph:
    """One scene graph.

    Raises:
        BadRowError: not to be opened, or not a graph of one scene; the message does not name the file.
    """
    return parse_scene_graph(read_json(path))


def parse_scene_graph(document: Any) -> SceneGraph:
    """As :func:`read_scene_graph`, from what the JSON holds.

    Raises:
        BadRowError: as there.
    """
    scenes = document.get("scenes") if isinstance(document, dict) else None
    objects = scenes[0].get("objects") if isinstance(scenes, list) and scenes and isinstance(scenes[0], dict) else None
    if not isinstance(objects, list):
        raise BadRowError("no list scenes[0].objects")
    boxes: dict[str, list[LabeledBox]] = {"instrument": [], "anatomy": []}
    problems: list[str] = []
    for number, one in enumerate(objects):
        try:
            kind, box = _object(one)
            boxes[kind].append(box)
        except BadRowError as error:
            problems.append(f"object {number}: {error.message}")
    info = document.get("info")
    told = info.get("triplet") if isinstance(info, dict) else None
    named = told if isinstance(told, list) else []
    triplets = [_triplet(text) for text in named]
    problems += [
        f"triplet {str(n)[:80]!r} is not three names" for n, t in zip(named, triplets, strict=True) if t is None
    ]
    whole = isinstance(told, list) and None not in triplets
    return SceneGraph(
        instruments=tuple(boxes["instrument"]),
        structures=tuple(boxes["anatomy"]),
        triplets=tuple(t for t in triplets if t is not None) if whole else None,
        problems=tuple(problems),
    )


def _object(one: Any) -> tuple[str, LabeledBox]:
    kind, name, numbers = (one.get(k) if isinstance(one, dict) else None for k in ("type", "component", "bbox"))
    if kind not in ("instrument", "anatomy") or not isinstance(name, str):
        raise BadRowError("no component that is an instrument or anatomy")
    if not isinstance(numbers, list) or len(numbers) != 4 or not all(type(n) in (int, float) for n in numbers):
        raise BadRowError(f"bbox {str(numbers)[:60]} is not four numbers")
    box, clipped = from_xyxy(*numbers, width=SIZE[0], height=SIZE[1])
    return kind, LabeledBox(Label(name), box, clipped)


def _triplet(text: Any) -> Triplet | None:
    names = [name.strip() for name in text.split(",")] if isinstance(text, str) else []
    return Triplet(*map(Label, names)) if len(names) == 3 and all(names) else None
