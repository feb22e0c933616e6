#!/usr/bin/env bash
# datumaro 1.13.12 exporting boxes of video frames 0 and 50 in the MOT form (gt.txt), as used for tracks of instruments.
# Expected: the frame column holds the frame's number, 1-based: 1 and 51.
# Seen: it holds the place of the item in the export: 1 and 2, so boxes of sparse frames land on other frames of the video.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check datumaro==1.13.12
cd "$work"
"$work/v/bin/python" - <<'PY' 2>/dev/null
from pathlib import Path

import numpy as np
from datumaro import Bbox, Dataset, DatasetItem, Image

items = [
    DatasetItem(
        id=f"frame_{n:06d}",
        attributes={"frame": n},
        media=Image.from_numpy(np.full((48, 64, 3), 90, np.uint8)),
        annotations=[Bbox(8, 8, 16, 16, label=0)],
    )
    for n in (0, 50)
]
Dataset.from_iterable(items, categories=["hook"]).export("mot", "mot_seq_gt")
(file,) = Path("mot").rglob("gt.txt")
frames = [int(line.split(",")[0]) for line in file.read_text().splitlines()]
print("frames 0 and 50 are written as", frames)
assert frames == [1, 2], "changed"
PY
