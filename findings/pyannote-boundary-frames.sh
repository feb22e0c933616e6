#!/usr/bin/env bash
# pyannote.core 6.1.0 turning intervals into frames, as one does to score phases or gestures per frame: three phases that
# touch, at 0, 4, 10 and 12 seconds, and a grid of 25 frames a second.
# Expected: a frame belongs to the phase at its middle: 100, 150 and 50 frames, each with one phase.
# Seen: 101, 151 and 50. The frame behind each boundary, whose middle lies in the next phase alone, has both: a phase that
#       excludes the others by definition does not, and a score per frame counts one frame a boundary as wrong or twice.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check pyannote.core==6.1.0 numpy==2.2.6
"$work/v/bin/python" - <<'PY'
from pyannote.core import Annotation, Segment, SlidingWindow

phases = Annotation()
phases[Segment(0, 4)] = "preparation"
phases[Segment(4, 10)] = "dissection"
phases[Segment(10, 12)] = "clipping"
grid = SlidingWindow(duration=1 / 25, step=1 / 25, start=0)
found = phases.discretize(support=Segment(0, 12), resolution=grid)
frames = {label: int(found.data[:, n].sum()) for n, label in enumerate(found.labels)}
both = [int(n) for n in (found.data.sum(axis=1) > 1).nonzero()[0]]
print(frames, "of", len(found.data), "frames; in two phases:", both, "with middles at", [grid[n].middle for n in both])
assert frames == {"preparation": 101, "dissection": 151, "clipping": 50} and both == [100, 250], "changed"
PY
