#!/usr/bin/env bash
# PyAV 18.1.0 against 16.1.0 converting one frame to RGB with a VideoReformatter, on a machine of two cores or more.
# Expected: a colour conversion of one small frame runs in the thread that asks, as it did up to PyAV 16.
# Seen: since PyAV 17 the reformatter starts a thread for each core and keeps them as long as it lives, unless it is told
# `threads=1`. Trainers that fork (workers of a DataLoader) inherit the reformatter without its threads.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/threads.py" <<'PY'
import os
import sys

import av
import numpy as np
from av.video.reformatter import VideoReformatter


def started(**options):
    """Threads of this process that one conversion leaves behind."""
    before = len(os.listdir("/proc/self/task"))
    reformatter = VideoReformatter()
    frame = av.VideoFrame.from_ndarray(np.zeros((96, 64), np.uint8), format="yuv420p")
    assert reformatter.reformat(frame, format="rgb24", **options).to_ndarray().shape == (64, 64, 3)
    return len(os.listdir("/proc/self/task")) - before


cores = os.cpu_count() or 1
if cores < 2:
    sys.exit("needs two cores")
found = [started()] + ([started(threads=1)] if sys.argv[1] == "new" else [])
print("PyAV", av.__version__, "threads left by a conversion:", found, "on", cores, "cores")
assert found == ([0] if sys.argv[1] == "old" else [cores, 0]), "changed"
PY
for version in 16.1.0 18.1.0; do
  python3 -m venv --clear "$work/v"
  "$work/v/bin/pip" install -q --disable-pip-version-check "av==$version" numpy==2.2.6
  "$work/v/bin/python" "$work/threads.py" "$([ $version = 16.1.0 ] && echo old || echo new)"
done
