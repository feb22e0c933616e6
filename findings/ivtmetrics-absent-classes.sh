#!/usr/bin/env bash
# ivtmetrics 0.1.5 (the triplet scorer of CholecT50) beside two versions of scikit-learn.
# Expected: a class that does not occur in a video is left out of the mean, so a model that is right everywhere scores 1.0.
# Seen: so with scikit-learn 1.5.2; with 1.9.1 every absent class counts as 0 and the same model scores 0.02. The package
#       finds absent classes by comparing the average precision with a negative zero, which newer versions do not return.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/score.py" <<'PY'
import warnings

import ivtmetrics
import numpy as np

warnings.filterwarnings("ignore")
truth = np.zeros((10, 100), int)
truth[:5, 17], truth[5:, 60] = 1, 1  # two of the hundred triplets
score = ivtmetrics.Recognition(num_class=100)
for _ in range(2):
    score.update(truth, truth.astype(float))
    score.video_end()
print(round(float(score.compute_video_AP("ivt")["mAP"]), 3))
PY
seen=()
for learn in 1.5.2 1.9.1; do
  python3 -m venv "$work/$learn"
  "$work/$learn/bin/pip" install -q --disable-pip-version-check ivtmetrics==0.1.5 "scikit-learn==$learn"
  value=$("$work/$learn/bin/python" "$work/score.py" 2>/dev/null | tail -n 1)
  echo "ivtmetrics 0.1.5, scikit-learn $learn: mAP of a perfect model $value"
  seen+=("$value")
done
[[ ${seen[0]} == 1.0 && ${seen[1]} == 0.02 ]] || { echo "changed: expected 1.0 and 0.02"; exit 1; }
