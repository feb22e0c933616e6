#!/usr/bin/env bash
# pympi-ling 1.71 shifting the phases of an ELAN file 1.5 s to the left, as one does when the front of a film is cut off:
# preparation 0-4 s, dissection 4-10 s; of another tier, smoke 1-2 s.
# Expected: what crosses the new front is squashed, as the documentation says: preparation 0-2.5 s, smoke 0-0.5 s.
# Seen: its beginning is set to 0 and its end stays: preparation lasts 0-4 s and overlaps with dissection, now 2.5-8.5 s,
#       and smoke lasts 2 s, twice as long as it ever did. Annotations that do not touch the front are shifted right.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check pympi-ling==1.71
"$work/v/bin/python" - <<'PY'
from pympi.Elan import Eaf

file = Eaf()
file.add_tier("phase")
file.add_tier("event")
file.add_annotation("phase", 0, 4000, "preparation")
file.add_annotation("phase", 4000, 10000, "dissection")
file.add_annotation("event", 1000, 2000, "smoke")
squashed, removed = file.shift_annotations(-1500)
seen = {v: (a, b) for tier in ("phase", "event") for a, b, v in file.get_annotation_data_for_tier(tier)}
print("milliseconds after a shift of -1500:", seen, "- told as squashed:", squashed)
assert seen["dissection"] == (2500, 8500) and not removed
assert seen["preparation"] == (0, 4000) and seen["smoke"] == (0, 2000), "changed"
PY
