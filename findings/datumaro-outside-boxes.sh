#!/usr/bin/env bash
# datumaro 1.13.12 reading "CVAT for video" XML with a track that leaves the view (outside="1").
# Expected: a box marked outside is an absence and yields no annotation.
# Seen: it stays as an ordinary box with an attribute "outside": a COCO export of it labels an instrument that is not in view.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check datumaro==1.13.12
cd "$work"
"$work/v/bin/python" - <<'PY' 2>/dev/null
import json
from pathlib import Path

import numpy as np
from datumaro import Dataset
from PIL import Image

root = Path("cvat")
(root / "images").mkdir(parents=True)
for n in range(2):
    Image.fromarray(np.full((48, 64, 3), 90, np.uint8)).save(root / "images" / f"frame_{n:06d}.png")
box = '<box frame="{n}" outside="{o}" occluded="0" keyframe="1" xtl="8" ytl="8" xbr="24" ybr="24" z_order="0"></box>'
xml = (
    '<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version><meta><task><id>1</id><name>t</name>'
    "<size>2</size><mode>interpolation</mode><overlap>0</overlap><start_frame>0</start_frame><stop_frame>1</stop_frame>"
    "<frame_filter></frame_filter><labels><label><name>hook</name><attributes></attributes></label></labels>"
    "<original_size><width>64</width><height>48</height></original_size></task></meta>"
    f'<track id="0" label="hook">{box.format(n=0, o=0)}{box.format(n=1, o=1)}</track></annotations>'
)
(root / "annotations.xml").write_text(xml)
dataset = Dataset.import_from("cvat", "cvat")
held = {item.id: [a.attributes.get("outside") for a in item.annotations] for item in dataset}
dataset.export("coco", "coco_instances", save_media=False)
files = [json.loads(p.read_text()) for p in sorted(Path("coco").rglob("*.json"))]
boxes = sum(len(f["annotations"]) for f in files)
print("annotations by frame, with their attribute outside:", held, "- boxes in COCO:", boxes)
assert sorted(len(v) for v in held.values()) == [1, 1] and True in [o for v in held.values() for o in v], "changed"
assert boxes == 2, "changed"
PY
