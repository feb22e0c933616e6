#!/usr/bin/env bash
# scikit-surgerycore 0.8.3 reading landmarks that 3D Slicer stored as .mrk.json: two points, once in the LPS axes that Slicer
# writes today and once in the RAS axes that the format allows as well (its field "coordinateSystem" says which).
# Expected: both files give the same two points, or the reader says which axes it gives.
# Seen: the field is not read. The same landmark comes out on the other side of the patient, left for right and front for
#       back. A point that is in the list but was never placed ("positionStatus": "undefined") comes out as a third landmark.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check --no-deps scikit-surgerycore==0.8.3 numpy==2.4.3
cd "$work"
"$work/v/bin/python" - <<'PY'
import contextlib
import io
import json
from pathlib import Path

import numpy as np
from sksurgerycore.io.load_slicer_points import load_slicer_pointset

PLACED = {"port": (30.0, -20.0, 5.0), "target": (-12.0, 40.0, 60.0)}  # in LPS


def read(axes: str, status: str = "defined") -> np.ndarray:
    flip = (1, 1, 1) if axes == "LPS" else (-1, -1, 1)
    points = [
        {"id": str(n), "label": name, "position": [a * b for a, b in zip(at, flip)], "positionStatus": "defined"}
        for n, (name, at) in enumerate(PLACED.items(), 1)
    ]
    if status != "defined":
        points.append({"id": "3", "label": "later", "position": [0.0, 0.0, 0.0], "positionStatus": status})
    markup = {"type": "Fiducial", "coordinateSystem": axes, "coordinateUnits": "mm", "controlPoints": points}
    schema = "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    Path("f.mrk.json").write_text(json.dumps({"@schema": schema + "markups-schema-v1.0.3.json#", "markups": [markup]}))
    with contextlib.redirect_stdout(io.StringIO()):
        return load_slicer_pointset("f.mrk.json")[1]


lps, ras, more = read("LPS"), read("RAS"), read("LPS", "undefined")
print("from LPS:", *lps.tolist(), "from RAS:", *ras.tolist(), "with a point not placed:", len(more))
assert (ras == lps * (-1, -1, 1)).all() and len(more) == 3, "changed"
PY
