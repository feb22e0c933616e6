#!/usr/bin/env bash
# evaldet 0.4.3 scoring tracks of two instruments over ten frames, a hook and a grasper; its tracks hold the class of each
# box. One tracker is right, one calls the hook a grasper and the grasper a hook throughout.
# Expected: in a set of several classes a box of the wrong class is no match: the second tracker has a MOTA below zero and
#           an IDF1 and a HOTA of 0, as scores that go class by class give.
# Seen: both have 1.0 in all three. Classes are read from each format, kept, written, and never looked at by a score.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check evaldet==0.4.3
"$work/v/bin/python" - 2>"$work/errors" <<'PY' || { cat "$work/errors"; exit 1; }
import numpy as np
from evaldet.mot import MOTMetrics
from evaldet.tracks import Tracks

HOOK, GRASPER = 0, 1


def tracks(left: int, right: int) -> Tracks:
    """Two boxes that move to the right over ten frames, of these classes."""
    rows = [(frame, track) for frame in range(10) for track in (0, 1)]
    return Tracks(
        ids=[track for _, track in rows],
        frame_nums=[frame for frame, _ in rows],
        bboxes=[np.array([(10, 60)[track] + frame, 20, 20, 30], np.float32) for frame, track in rows],
        classes=[(left, right)[track] for _, track in rows],
        zero_indexed=True,
    )


truth, seen = tracks(HOOK, GRASPER), {}
for name, said in (("right", truth), ("swapped", tracks(GRASPER, HOOK))):
    score = MOTMetrics().compute(truth, said, clearmot_metrics=True, id_metrics=True, hota_metrics=True)
    seen[name] = [float(score[part][key]) for part, key in (("clearmot", "MOTA"), ("id", "IDF1"), ("hota", "HOTA"))]
    print(f"{name}, classes {said[0].classes.tolist()}: MOTA {seen[name][0]}, IDF1 {seen[name][1]}, HOTA {seen[name][2]}")
assert truth[0].classes.tolist() == [HOOK, GRASPER] and tracks(GRASPER, HOOK)[0].classes.tolist() == [GRASPER, HOOK]
assert seen["right"] == [1, 1, 1] and seen["swapped"] == [1, 1, 1], "changed"
PY
