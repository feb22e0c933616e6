#!/usr/bin/env bash
# grand-challenge-metrics 0.6.0 (evalutils before), which challenges in medical imaging score with, on phases of 1000 frames:
# three phases, ten frames wrong.
# Expected: the accuracy of each phase is the share of frames that are right about it: 0.994, 0.99 and 0.996.
# Seen: 0 for all three. The counts are divided by a division that rounds down, so anything but a perfect answer has an
#       accuracy of 0; a model that knows 99 frames of 100 is not told from one that knows none. Dice and Jaccard are right.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check --no-deps grand-challenge-metrics==0.6.0 numpy==2.2.6 scipy==1.17.1
"$work/v/bin/python" - 2>"$work/errors" <<'PY' || { cat "$work/errors"; exit 1; }
import numpy as np
from grand_challenge_metrics import stats

truth = np.repeat([0, 1, 2], [400, 400, 200])
said = truth.copy()
said[395:400], said[400:401], said[796:800] = 1, 0, 2  # boundaries that are some frames late or early
wrong = int((truth != said).sum())
seen = {}
for name, answer in (("perfect", truth), (f"{wrong} frames wrong", said), ("all wrong", (truth + 1) % 3)):
    counts = stats.calculate_confusion_matrix(truth, answer, [0, 1, 2])
    seen[name] = stats.accuracies_from_confusion_matrix(counts).round(3).tolist()
    right = [float(np.mean((truth == n) == (answer == n)).round(3)) for n in range(3)]
    print(f"{name}: accuracies {seen[name]}, by hand {right}")
assert wrong == 10 and seen["perfect"] == [1, 1, 1]
assert seen["10 frames wrong"] == seen["all wrong"] == [0, 0, 0], "changed"
PY
