#!/usr/bin/env bash
# label-studio-sdk 2.1.2 exporting one rectangle that an annotator turned by 90 degrees, as one does along an instrument.
# Expected: COCO, YOLO and VOC hold the same box, the one around the turned rectangle.
# Seen: COCO holds it; YOLO and VOC hold the rectangle as it was before it was turned, which does not even touch it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check label-studio-sdk==2.1.2
cd "$work"
"$work/v/bin/python" - <<'PY' 2>/dev/null
import json
import re
from pathlib import Path

from label_studio_sdk.converter import Converter

CONFIG = """<View><Image name="image" value="$image"/>
<RectangleLabels name="label" toName="image"><Label value="hook"/></RectangleLabels></View>"""
# Shares of the frame in percent; the rectangle turns about its upper left corner.
turned = {"x": 40, "y": 40, "width": 20, "height": 10, "rotation": 90, "rectanglelabels": ["hook"]}
shape = {
    "id": "a", "type": "rectanglelabels", "from_name": "label", "to_name": "image", "value": turned,
    "original_width": 1000, "original_height": 1000, "image_rotation": 0,
}  # fmt: skip
task = {"id": 1, "data": {"image": "frame.jpg"}, "annotations": [{"id": 1, "completed_by": 1, "result": [shape]}]}
Path("tasks.json").write_text(json.dumps([task]))

converter = Converter(CONFIG, project_dir=".", download_resources=False)
converter.convert_to_coco("tasks.json", "coco", output_image_dir="coco/images", is_dir=False)
converter.convert_to_yolo(
    "tasks.json", "yolo", output_image_dir="yolo/images", output_label_dir="yolo/labels", is_dir=False
)
converter.convert_to_voc("tasks.json", "voc", output_image_dir="voc/images", is_dir=False)

x, y, w, h = json.loads(Path("coco/result.json").read_text())["annotations"][0]["bbox"]
coco = [round(n) for n in (x, y, x + w, y + h)]
(line,) = (path.read_text() for path in Path("yolo/labels").rglob("*.txt"))
cx, cy, w, h = (1000 * float(n) for n in line.split()[1:])
yolo = [round(n) for n in (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)]
(text,) = (path.read_text() for path in Path("voc").rglob("*.xml"))
voc = [int(re.search(rf"<{name}>(\d+)", text)[1]) for name in ("xmin", "ymin", "xmax", "ymax")]
print("left, top, right, bottom; COCO:", coco, "YOLO:", yolo, "VOC:", voc)
assert coco == [300, 400, 400, 600] and yolo == voc == [400, 400, 600, 500], "changed"
PY
