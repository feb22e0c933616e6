#!/usr/bin/env bash
# PySceneDetect finds the cuts of a recording put together from several cameras. Since 0.7 it keeps time stamps, so in a
# film of variable rate the seconds of a cut are right with both backends. frame_num of the same timecode is not the
# number of the frame: it is the seconds times a rate that each backend takes from another place in the header. For a
# film of 120 frames whose scenes begin at frames 0, 40 and 80, OpenCV says 0, 27, 93 and PyAV 0, 80, 280, of 359 frames
# in all. Whoever joins cuts with labels by frame number lands on another scene, and beyond the end of the film.
# Expected: frame_num counts frames, 0, 40 and 80, with both backends.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q 'scenedetect==0.7.2' 'opencv-python-headless==5.0.0.93' 'av==18.1.0' 'numpy==2.4.6'
"$work/venv/bin/python" - "$work" <<'PY'
import sys
from fractions import Fraction
from importlib.metadata import version

import av
import numpy as np
from scenedetect import ContentDetector, SceneManager, open_video

SCENES, EACH = ((200, 20, 20), (240, 240, 240), (10, 10, 60)), 40
path, seconds, at = f"{sys.argv[1]}/variable.mp4", [], Fraction(0)
for number in range(EACH * len(SCENES)):
    seconds.append(at)
    at += Fraction(1, 10 if number // EACH == 1 else 25)  # the second camera gave ten frames a second
with av.open(path, "w") as out:
    stream = out.add_stream("libx264", rate=25, options={"crf": "18", "x264-params": "log-level=none"})
    stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
    stream.codec_context.time_base = Fraction(1, 90_000)
    for number, second in enumerate(seconds):
        pixels = np.full((64, 96, 3), SCENES[number // EACH], np.uint8)
        frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
        frame.pts, frame.time_base = round(second * 90_000), Fraction(1, 90_000)
        out.mux(stream.encode(frame))
    out.mux(stream.encode())

found = {}
for backend in ("opencv", "pyav"):
    manager = SceneManager()
    manager.add_detector(ContentDetector(min_scene_len=5))
    manager.detect_scenes(open_video(path, backend=backend))
    scenes = manager.get_scene_list()
    assert [round(start.seconds, 3) for start, _ in scenes] == [0.0, 1.6, 5.6], "the seconds are right"
    found[backend] = [start.frame_num for start, _ in scenes], scenes[-1][1].frame_num
    print(f"{backend}: scenes begin at frames {found[backend][0]}, the last ends at {found[backend][1]}")
assert found == {"opencv": ([0, 27, 93], 120), "pyav": ([0, 80, 280], 359)}, f"changed: {found}"
print(f"scenedetect {version('scenedetect')}: frame_num is no number of a frame where the rate varies (0, 40, 80)")
PY
