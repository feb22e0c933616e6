#!/usr/bin/env bash
# scikit-surgerycore 0.8.3 smoothing the pose of a tracked instrument over five readings: one good reading, then one in which
# a marker was hidden, which trackers of the same family hand on as NaN.
# Expected: both means leave NaN out, as their documentation says; position and rotation are those of the good reading.
# Seen: the position is, the rotation is NaN: with a single good reading in the buffer the newest is returned, whatever it
#       holds. From two good readings on it is left out: the same loss in the middle of a track is bridged.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check --no-deps scikit-surgerycore==0.8.3 numpy==2.4.3
"$work/v/bin/python" - <<'PY'
import numpy as np
from sksurgerycore.algorithms.tracking_smoothing import RollingMean, RollingMeanRotation

HIDDEN = np.full(3, np.nan)
position, rotation = RollingMean(vector_size=3, buffer_size=5), RollingMeanRotation(buffer_size=5)
for mean, good in ((position, [10.0, 20.0, 30.0]), (rotation, [0.1, 0.0, 0.0])):
    mean.pop(np.array(good))
    mean.pop(HIDDEN)
first = position.getmean(), rotation.getmean()
rotation.pop(np.array([0.1, 0.0, 0.0]))
rotation.pop(HIDDEN)
later = rotation.getmean()
print("one good reading:", *first, "two:", later)
assert np.array_equal(first[0], [10, 20, 30]) and not np.isnan(later).any()
assert np.isnan(first[1]).all(), "changed"
PY
