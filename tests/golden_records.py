"""What each source says of its fixture: counts, and the first, the tenth and the last record of all its videos.

One small file a source, ``tests/golden_records/<source>.json``, so that a change of a loader or of a parser that moves
a label by a frame shows as a difference that a reader can judge.

    python tests/golden_records.py            # sources whose file does not say what the loader says
    python tests/golden_records.py NAME ...   # write the files of these sources anew; "all" for every source
"""

from __future__ import annotations

import dataclasses
import json
import sys
import tempfile
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from surgsigma_hub.media.moments import Seen
from surgsigma_hub.records import Defect, Frame, Label

import sources

FOLDER = Path(__file__).parent / "golden_records"
REFRESH = "python tests/golden_records.py"


def of_source(name: str, cache: Path) -> dict[str, Any]:
    """Counts and three records of a source, in plain JSON."""
    source = sources.opened(name, cache)
    root = sources.root_of(name)
    frames: list[tuple[str, Frame]] = []
    defects: list[str] = []
    segments: list[Any] = []
    videos = list(source.videos())
    for video in videos:
        seen = Seen(source, video)
        for found in seen.frames():
            if isinstance(found, Defect):
                defects.append(found.reason.value)
            else:
                frames.append((video.id, found))
        course = seen.course()
        segments += [(video.id, one) for one in (() if course is None else course.segments)]
    kept = {"first": 0, "tenth": 9, "last": len(frames) - 1}
    return {
        "videos": {video.id: f"{video.split}, {video.canonical_id}" for video in videos},
        "frames": len(frames),
        "segments": len(segments),
        "defects": {reason: defects.count(reason) for reason in sorted(set(defects))},
        **{word: plain(frames[n], root) for word, n in kept.items() if 0 <= n < len(frames)},
        **({"last segment": plain(segments[-1], root)} if segments else {}),
    }


def plain(value: Any, root: Path | None) -> Any:
    """A record as JSON: without defaults, paths relative to the root, numbers to five digits, pixels by their size."""
    if isinstance(value, Label):
        return value.native
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        said = [f for f in dataclasses.fields(value) if getattr(value, f.name) not in (_default(f), None, "")]
        return {"": type(value).__name__} | {f.name: plain(getattr(value, f.name), root) for f in said}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return value.relative_to(root).as_posix() if root is not None and value.is_relative_to(root) else value.name
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, Mapping):
        return {str(plain(k, root)): plain(v, root) for k, v in value.items()}
    if isinstance(value, (tuple, list, frozenset)):
        items = [plain(v, root) for v in (sorted(value) if isinstance(value, frozenset) else value)]
        return items if len(items) <= 8 else [*items[:3], f"... {len(items)} in all", items[-1]]
    if isinstance(value, np.ndarray):
        return f"array of {value.shape}"
    return value if isinstance(value, (str, int, bool, type(None))) else type(value).__name__


def _default(field: dataclasses.Field[Any]) -> Any:
    """What a field holds where nothing is said, so that a new field of a record changes no file."""
    return field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default


def kept(name: str) -> dict[str, Any] | None:
    """What the repository holds; None where it holds nothing."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


def main(names: list[str]) -> int:
    """Write or compare."""
    with tempfile.TemporaryDirectory() as cache:
        for name in sources.NAMES if names in ([], ["all"]) else names:
            now = of_source(name, Path(cache) / name)
            if names:
                (FOLDER / f"{name}.json").write_text(json.dumps(now, indent=1, ensure_ascii=False) + "\n", "utf-8")
            elif now != kept(name):
                sys.stdout.write(f"{name}: differs; write it anew with: {REFRESH} {name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
