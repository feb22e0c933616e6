#!/usr/bin/env bash
# ivtmetrics 0.1.5 (the scorer of CholecT50 and of the CholecTriplet challenges) detecting triplets: five frames with two
# graspers that retract the gallbladder, one left and one right; the model gives both boxes exactly.
# Expected: a mean precision of 1.0, whichever of the two the model is surer of.
# Seen: 1.0 if it is surer of the right one, 0.0 if it is surer of the left, for triplets and for instruments. Boxes are
#       turned from (x, y, w, h) into corners in place, once more with each comparison: a box that was held against
#       another of its class before is no longer itself. Two instruments of different classes are never compared, and right.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check ivtmetrics==0.1.5 scikit-learn==1.5.2 numpy==1.26.4
"$work/v/bin/python" - 2>"$work/errors" <<'PY' || { cat "$work/errors"; exit 1; }
import warnings

import ivtmetrics

warnings.filterwarnings("ignore")
LEFT, RIGHT = [0.10, 0.40, 0.15, 0.20], [0.60, 0.30, 0.20, 0.25]  # x, y, w, h, shares of the frame
RETRACT, DISSECT = [17.0, 0.0], [60.0, 2.0]  # triplet, instrument


def precision(right: list[float], sure_of_left: float, sure_of_right: float) -> tuple[float, float]:
    """The mean precision of triplets and of instruments, where the left one is always the grasper that retracts."""
    score = ivtmetrics.Detection(num_class=100)
    truth = [RETRACT + [1.0] + LEFT, right + [1.0] + RIGHT]
    said = [RETRACT + [sure_of_left] + LEFT, right + [sure_of_right] + RIGHT]
    score.update([[list(box) for box in truth] for _ in range(5)], [[list(box) for box in said] for _ in range(5)])
    score.video_end()
    return tuple(round(float(score.compute_video_AP(part)["mAP"]), 2) for part in ("ivt", "i"))


seen = {}
for name, right in (("two of a class", RETRACT), ("two classes", DISSECT)):
    for sure in ((0.8, 0.9), (0.9, 0.8)):
        seen[name, sure] = precision(right, *sure)
        print(f"{name}, confidence {sure[0]} left and {sure[1]} right: precision {seen[name, sure]}")
assert seen["two classes", (0.8, 0.9)] == seen["two classes", (0.9, 0.8)] == (1.0, 1.0)
assert seen["two of a class", (0.8, 0.9)] == (1.0, 1.0) and seen["two of a class", (0.9, 0.8)] == (0.0, 0.0), "changed"
PY
