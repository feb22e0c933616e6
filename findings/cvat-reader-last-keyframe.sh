#!/usr/bin/env bash
# cvat_reader 0.3.1 reading the backup of a CVAT task of 60 frames, which keeps keyframes only: a hook drawn on frame 0 that
# stays where it is, a grasper drawn on frames 0 and 20 that stays too, a clipper that is drawn on 5 and leaves at 15.
# Expected: CVAT shows a box until it is marked outside: hook and grasper have one on all 60 frames, the clipper on 5 to 14.
# Seen: a box ends with its last keyframe: the hook is there on frame 0 alone, the grasper until 20, and the frames from 21
#       on are not given at all. Whoever takes absence for a negative learns that instruments in plain view are none.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check 'setuptools<81' wheel
"$work/v/bin/pip" install -q --disable-pip-version-check --no-build-isolation cvat_reader==0.3.1
cd "$work"
"$work/v/bin/python" - 2>"$work/errors" <<'PY' || { cat "$work/errors"; exit 1; }
import json
import zipfile

import cvat_reader

FRAMES = 60


def track(label: str, *keyframes: tuple[int, int, bool]) -> dict:
    shapes = [
        {"type": "rectangle", "frame": frame, "points": [left, 10, left + 20, 30], "outside": outside,
         "occluded": False, "rotation": 0.0, "z_order": 0, "attributes": []}
        for frame, left, outside in keyframes
    ]  # fmt: skip
    return {"label": label, "frame": keyframes[0][0], "group": 0, "source": "manual", "attributes": [], "shapes": shapes}


tracks = [
    track("hook", (0, 10, False)),
    track("grasper", (0, 40, False), (20, 60, False)),
    track("clipper", (5, 80, False), (15, 90, True)),
]
labels = [{"name": name} for name in ("hook", "grasper", "clipper")]
task = {"name": "operation", "labels": labels, "mode": "interpolation", "version": "1.0"}
task["jobs"] = [{"start_frame": 0, "stop_frame": FRAMES - 1, "status": "annotation"}]
with zipfile.ZipFile("backup.zip", "w") as backup:
    backup.writestr("task.json", json.dumps(task))
    backup.writestr("annotations.json", json.dumps([{"version": 0, "tags": [], "shapes": [], "tracks": tracks}]))
    backup.writestr("data/operation.mp4", b"")
there = {label["name"]: [] for label in labels}
with cvat_reader.open_cvat("backup.zip", load_video=False) as frames:
    for frame in frames:
        for box in frame.annotations:
            if not box.outside:
                there[box.label].append(frame.frame_id)
print(f"last frame given: {frame.frame_id}; " + ", ".join(f"{n} on {f[0]} to {f[-1]}" for n, f in there.items()))
assert there["clipper"] == list(range(5, 15)) and there["grasper"][:20] == list(range(20))
assert frame.frame_id == 20 and there["hook"] == [0] and there["grasper"][-1] == 20, "changed"
PY
