#!/usr/bin/env bash
# Three converters turning masks into COCO outlines: supervision 0.31.2, datumaro 1.13.12, imantics 0.1.12. The masks are a
# suture one pixel thick and 40 long, one two pixels thick, a shaft six pixels thick, and the eye of a needle holder (a ring).
# Expected: an outline that pycocotools fills again to about the same pixels, or a note that it cannot.
# Seen: outlines run through the middles of the border pixels, half a pixel too far in on each side. The suture is gone
#       with all three (0 of 40), the thicker one keeps half or nothing (39, 0 and 39 of 80), the shaft loses a fifth
#       (195 of 240), and the ring is filled (741 for 600), as its hole is one more part of the same instrument.
#       Nothing is raised. A set of needles and sutures should be kept as run lengths.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check supervision==0.31.2 datumaro==1.13.12 imantics==0.1.12 \
  pycocotools==2.0.11
"$work/v/bin/python" - 2>"$work/errors" <<'PY' || { cat "$work/errors"; exit 1; }
import imantics
import numpy as np
import pycocotools.mask
import supervision
from datumaro.util.mask_tools import mask_to_polygons

SIZE = 64


def bar(rows: slice) -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[rows, 10:50] = 1
    return mask


ring = bar(slice(20, 40))
ring[25:35, 20:40] = 0
masks = {"suture": bar(slice(20, 21)), "thicker": bar(slice(20, 22)), "shaft": bar(slice(20, 26)), "ring": ring}
outlines = {
    "supervision": lambda mask: [part.ravel().tolist() for part in supervision.mask_to_polygons(mask)],
    "datumaro": mask_to_polygons,
    "imantics": lambda mask: [list(map(float, part)) for part in imantics.Mask(mask).polygons().segmentation],
}


def filled(parts: list[list[float]]) -> int:
    """How many pixels COCO's own tool fills; it wants three points or more for a part."""
    parts = [part for part in parts if len(part) >= 6]
    if not parts:
        return 0
    return int(pycocotools.mask.area(pycocotools.mask.merge(pycocotools.mask.frPyObjects(parts, SIZE, SIZE))))


seen = {}
for name, mask in masks.items():
    seen[name] = [filled(outline(mask)) for outline in outlines.values()]
    print(f"{name}: {mask.sum()} pixels, " + ", ".join(f"{tool} {n}" for tool, n in zip(outlines, seen[name])))
assert seen == {"suture": [0, 0, 0], "thicker": [39, 0, 39], "shaft": [195] * 3, "ring": [741] * 3}, "changed"
PY
