"""Moments of a SurgSigma-DB release: its annotations of one video, by what their task types are known to mean."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from ...errors import SurgSigmaError
from ...records import Coverage, Defect, Fact, Frame, ImageRef, Reason
from .sigma_dense import dense_facts, smoky_twin
from .sigma_release import Localization, Row, read_localization, task_types

_LOCALIZATION = "instrument_localization"
_KINDS = frozenset({_LOCALIZATION})


def read_task_types(table: Path | Traversable) -> frozenset[int]:
    """The task type integers that stand for localization, of an editable table.

    Raises:
        SurgSigmaError: there is no such file, or a line of it cannot be used.
    """
    if not table.is_file():
        raise SurgSigmaError(f"option task_types: there is no file {table}")
    kinds: dict[int, str] = {}
    for n, row in enumerate(csv.DictReader(table.read_text("utf-8").splitlines()), 2):
        text, kind = (row.get("type") or "").strip(), (row.get("kind") or "").strip()
        if not text.isdecimal() or kind not in _KINDS or int(text) in kinds:
            raise SurgSigmaError(
                f"{table.name} line {n}: cannot use type {text!r} as {kind!r}",
                hint=f"Columns: type (a whole number, each once), kind (one of: {', '.join(sorted(_KINDS))}).",
            )
        kinds[int(text)] = kind
    return frozenset(kinds)


def known_rows(
    rows: Iterable[Row], known: frozenset[int], video: str
) -> tuple[dict[int, list[dict[str, Any]]], list[Defect]]:
    """The annotations of one video by frame, and one defect for each task type that the table lacks."""
    annos: dict[int, list[dict[str, Any]]] = defaultdict(list)
    unknown: dict[int, list[str]] = {}
    for index, anno in rows:
        types = task_types(anno)
        if any(t in known for t in types):
            annos[index].append(anno)
        for number in types:
            if number not in known:
                unknown.setdefault(number, []).append(str(anno["id"]))
    return annos, [
        Defect(
            Reason.TYPE_UNKNOWN,
            f"{video} annotations of task type {number}",
            f"task type {number} is not in the table of task types; {len(ids)} annotations left out, "
            f"the first is anno {ids[0]}",
        )
        for number, ids in sorted(unknown.items())
    ]


def moments_at(
    index: int,
    where: str,
    annos: Iterable[Mapping[str, Any]],
    dense: Mapping[str, ImageRef],
    image: ImageRef | None,
) -> Iterator[Frame | Defect]:
    """What is said of one frame: a moment for each annotation that says something else, and the smoky twin after them.

    Args:
        index: Number of the frame, which is its second.
        where: Its place for messages.
        annos: Its annotations.
        dense: Its dense predictions by kind.
        image: The frame; without it, all is left out.
    """
    readings: dict[str, Localization] = {}
    seen: set[tuple[str, ...]] = set()
    for anno in annos:
        place = f"{where} anno {anno['id']}"
        reading, defects = read_localization(dict(anno), where=place)
        yield from defects
        if reading is None:
            continue
        variant = "a" + re.sub(r"[^A-Za-z0-9_-]", "-", str(anno["id"])) if readings else ""
        if reading.key in seen or variant in readings:
            yield Defect(Reason.DUPLICATE_ID, place, "the same annotation of this frame occurs more than once")
            continue
        seen.add(reading.key)
        readings[variant] = reading
    if image is None:
        what = [*(["annotations"] if readings else []), *sorted(dense)]
        if what:
            detail = f"CholecT50 frame videos/{where}.png is not there; left out: {', '.join(what)}"
            yield Defect(Reason.MEDIA_MISSING, where, detail)
        return
    facts, twin = dense_facts(dense), smoky_twin(dense)
    if not readings and facts:
        yield Frame(index=index, fps=1.0, image=image, **facts)
    # Annotations that name different instruments of one picture are not each complete.
    partial = dict.fromkeys((Fact.INSTRUMENTS, Fact.INSTRUMENT_BOXES), Coverage.ANNOTATED_ONLY)
    for variant, reading in readings.items():
        yield Frame(
            index=index,
            fps=1.0,
            image=image,
            variant=variant,
            instruments=tuple(dict.fromkeys(b.label for b in reading.boxes)),
            instrument_boxes=reading.boxes,
            trace=reading.trace,
            native_qa=reading.native,
            coverage=partial if len(readings) > 1 else {},
            **({} if variant else facts),
        )
    if twin is not None:
        yield Frame(index=index, fps=1.0, image=twin, variant="smoke", clean_image=image)
