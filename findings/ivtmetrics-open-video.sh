#!/usr/bin/env bash
# ivtmetrics 0.1.5 with scikit-learn 1.5.2: asking for a score while a video is still open.
# Expected: asking is free of effects; the same question gives the same number.
# Seen: each question closes the open video once more and keeps it, so it weighs more each time: four equal questions give
#       four different numbers.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check ivtmetrics==0.1.5 scikit-learn==1.5.2
"$work/v/bin/python" - <<'PY'
import warnings

import ivtmetrics
import numpy as np

warnings.filterwarnings("ignore")
score = ivtmetrics.Recognition(num_class=100)


def video(right: bool) -> tuple[np.ndarray, np.ndarray]:
    truth, said = np.zeros((2, 100), int), np.zeros((2, 100))
    truth[0, 17] = 1
    said[0 if right else 1, 17] = 1.0
    return truth, said


score.update(*video(right=True))
score.video_end()
score.update(*video(right=False))  # no video_end(): the video is open
asked = [round(float(score.compute_video_AP("ivt")["mAP"]), 3) for _ in range(4)]
print("the same question four times:", asked)
assert len(set(asked)) == 4 and asked == sorted(asked, reverse=True), "changed: the numbers no longer fall"
PY
