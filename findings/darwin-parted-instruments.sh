#!/usr/bin/env bash
# darwin-py 3.6.3 (V7) exporting to COCO: on each of two frames a hook in one piece, and a grasper whose shaft is hidden in the
# middle, so that its outline has two parts. Then pycocotools scores a model that finds each hook and no grasper at all.
# Expected: the grasper is one instance with its area, 400, and "iscrowd" 0; the model's recall is 0.5 over both classes.
# Seen: it is written as a crowd of area 0, which COCO's scorer leaves out: the class grasper has nothing to be found, and
#       the model that misses every grasper has a mean precision and a recall of 1.0. An instrument in one piece counts.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check darwin-py==3.6.3 pycocotools==2.0.11
cd "$work"
"$work/v/bin/python" - 2>"$work/errors" <<'PY' || { cat "$work/errors"; exit 1; }
import contextlib
import io
import json
from pathlib import Path

from darwin.exporter import export_annotations, get_exporter
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def part(left: int) -> list[dict[str, int]]:
    return [{"x": x, "y": y} for x, y in ((left, 10), (left + 20, 10), (left + 20, 20), (left, 20))]


def item(name: str) -> dict:
    source = {"dataset": {"name": "d", "slug": "d"}, "item_id": name, "team": {"name": "t", "slug": "t"}}
    slot = {"type": "image", "slot_name": "0", "width": 160, "height": 60, "thumbnail_url": ""}
    slot["source_files"] = [{"file_name": name, "url": ""}]
    instruments = {"hook": [part(120)], "grasper": [part(10), part(50)]}
    labels = [
        {"id": f"{name}-{label}", "name": label, "polygon": {"paths": parts}, "slot_names": ["0"], "properties": []}
        for label, parts in instruments.items()
    ]
    what = {"name": name, "path": "/", "source_info": source, "slots": [slot]}
    return {"version": "2.0", "item": what, "annotations": labels}


Path("darwin").mkdir()
Path("coco").mkdir()
for name in ("a", "b"):
    Path(f"darwin/{name}.json").write_text(json.dumps(item(f"{name}.png")))
with contextlib.redirect_stdout(io.StringIO()):
    export_annotations(get_exporter("coco"), sorted(Path("darwin").glob("*.json")), Path("coco"))
    truth = COCO("coco/output.json")
    names = {number: category["name"] for number, category in truth.cats.items()}
    hooks = [label for label in truth.anns.values() if names[label["category_id"]] == "hook"]
    said = [{key: hook[key] for key in ("image_id", "category_id", "bbox")} | {"score": 0.9} for hook in hooks]
    score = COCOeval(truth, truth.loadRes(said), "bbox")
    score.evaluate()
    score.accumulate()
    score.summarize()
seen = {names[label["category_id"]]: (label["iscrowd"], label["area"]) for label in truth.anns.values()}
print(f"(iscrowd, area) of {seen}; mean precision {score.stats[0]:.2f}, recall {score.stats[8]:.2f}")
assert len(truth.anns) == 4 and seen["hook"] == (0, 200.0)
assert seen["grasper"] == (1, 0) and score.stats[0] > 0.99 and score.stats[8] == 1, "changed"
PY
