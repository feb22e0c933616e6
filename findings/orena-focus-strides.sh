#!/usr/bin/env bash
# orena-focus 0.4.0, the kit of the FOCUS challenge (questions on laparoscopic videos), with a set of one video of 40 s at 25
# frames a second, laid out as its own; every frame shows its number. Frames are extracted with stride 5, into a folder of
# their own as its documentation shows, and read back with stride 5 for a question about the first four seconds.
# Expected: the files named for this question show frames 0, 5, 10 ... 100.
# Seen: they show 0, 25, 50 ... 500. The extractor numbers the files it writes, the dataset asks by number of the video: a
#       question about 0 to 4 s is answered from 0 to 20 s, at a rate five times too high. All files exist and nothing is
#       raised; only beyond a fifth of the video are they missing. With stride 1 for the extraction all is right.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check av==18.1.0 datasets==5.2.0 decord==0.6.0 numpy==2.2.6 \
  opencv-python-headless==4.12.0.88 pandas==2.3.3 progiter==2.0.0 requests transformers==5.24.0
"$work/v/bin/pip" install -q --disable-pip-version-check --no-deps orena-focus==0.4.0
cd "$work"
cat >focus_strides.py <<'PY'
import contextlib
import io
import json
from pathlib import Path

import av
import cv2
import numpy as np
from focus import FocusConfig, FocusDataset, set_config
from focus.data.frame_dataset import FocusFrameDataset
from focus.preprocessing import FrameExtractorPreprocessor

av.logging.set_level(av.logging.PANIC)
COUNT, RATE, HOME = 1000, 25, Path("orena-dkfz/heico-focus-vqa")
QUESTION = {
    "id": "q1", "video": "operation.mp4", "timestamp_start": "00:00:00", "timestamp_end": "00:00:04", "answer": "yes",
    "procedure_type": "proctocolectomy", "question": "Is a sponge in view?", "answer_format": "binary",
    "primary_capability": "object_identification", "secondary_capabilities": [], "clinical_relevance": False,
}  # fmt: skip


def numbered(n: int) -> np.ndarray:
    bits = np.array([n >> b & 1 for b in range(10)], np.uint8).reshape(2, 5) * 255
    return np.repeat(np.repeat(bits, 32, 0), 32, 1)[:, :, None].repeat(3, 2)


def number(path: Path) -> int:
    grey = cv2.imread(str(path))[16::32, 16::32, 0]
    return sum(int(value > 127) << b for b, value in enumerate(grey.ravel()))


def film(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "g": "25"})
        stream.width, stream.height, stream.pix_fmt = 160, 64, "yuv420p"
        for n in range(COUNT):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(numbered(n), "rgb24")))
        container.mux(stream.encode())


def shown(stride: int, folder: str) -> list[int]:
    config = FocusConfig(root_dir="root", frames_folder=folder)
    set_config(config)
    with contextlib.redirect_stdout(io.StringIO()):
        FrameExtractorPreprocessor(stride=stride).process("heico", max_workers=1)
    questions = FocusDataset("heico", split="all", config=config)
    return [number(path) for path in FocusFrameDataset(questions, stride=5, config=config)[0].frame_paths]


if __name__ == "__main__":
    Path("root/heico/videos").mkdir(parents=True)
    film(Path("root/heico/videos/operation.mp4"))
    HOME.mkdir(parents=True)
    for split in ("train", "test"):
        (HOME / f"{split}.jsonl").write_text(json.dumps(QUESTION) + "\n")
    files = "".join(f"  - split: {split}\n    path: {split}.jsonl\n" for split in ("train", "test"))
    (HOME / "README.md").write_text(f"---\nconfigs:\n- config_name: all_tracks\n  data_files:\n{files}---\n")
    seen = {stride: shown(stride, f"frames_{RATE // stride}fps") for stride in (1, 5)}
    for stride, numbers in seen.items():
        print(f"extracted with stride {stride}: frames", *numbers[:4], "...", numbers[-1])
    assert seen[1] == list(range(0, 101, 5))
    assert seen[5] == list(range(0, 501, 25)), "changed"
PY
HF_HUB_OFFLINE=1 HF_HOME="$work/hf" "$work/v/bin/python" focus_strides.py 2>"$work/errors" ||
  { cat "$work/errors"; exit 1; }
