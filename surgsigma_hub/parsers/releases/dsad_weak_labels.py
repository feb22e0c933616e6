"""DSAD's weak labels: which of the organs each image of a folder shows, a row an image."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...records import Defect, Reason
from ..cells import table_text

_NUMBER = re.compile(r"(?:image)?0*([0-9]{1,6})(?:\.0|\.png)?", re.IGNORECASE)


def read_weak_labels(
    path: Path, where: str, organs: Sequence[str]
) -> tuple[Mapping[int, tuple[str, ...]], tuple[Defect, ...]]:
    """The organs in view by number of the image, in the order of ``organs``.

    Columns are found by name. A first column that is no organ names the image; without one, rows are in order from 0.

    Args:
        path: The table, parted by commas.
        where: Its place for messages.
        organs: Names of the columns that count; others are passed over.

    Returns:
        What it says, nothing where it is missing, and a defect for each line that cannot be read.
    """
    try:
        lines = [line.split(",") for line in table_text(path).splitlines() if line.strip(", \t")]
    except FileNotFoundError:  # not all releases have it
        detail = "the file is missing: which organs are in view is not known"
        return {}, (Defect(Reason.LABEL_MISSING, where, detail),)
    except OSError as error:
        return {}, (Defect(Reason.ROW_MALFORMED, where, f"the file cannot be opened ({error.strerror})"),)
    head = [re.sub("[ -]", "_", cell.strip().strip('"').lower()) for cell in lines[0]] if lines else []
    missing = [organ for organ in organs if organ not in head]
    if missing:
        detail = f"line 1 names no column {missing[0]!r}: which organs are in view is not known"
        return {}, (Defect(Reason.ROW_MALFORMED, where, detail),)
    places = [head.index(organ) for organ in organs]
    found: dict[int, tuple[str, ...]] = {}
    defects: list[Defect] = []
    for n, cells in enumerate(lines[1:]):
        named = _NUMBER.fullmatch(cells[0].strip()) if 0 not in places else None
        number = int(named[1]) if named else n
        values = [cells[at].strip() if at < len(cells) else "" for at in places]
        bad = next((v for v in values if v not in ("0", "1", "0.0", "1.0")), None)
        if bad is not None or number in found or (0 not in places and named is None):
            detail = (
                f"{bad!r:.40} is neither 0 nor 1"
                if bad is not None
                else f"{cells[0]!r:.40} names no image, or one twice"
            )
            defects.append(Defect(Reason.ROW_MALFORMED, f"{where} line {n + 2}", detail))
            continue
        found[number] = tuple(organ for organ, value in zip(organs, values, strict=True) if value[0] == "1")
    return found, tuple(defects)
