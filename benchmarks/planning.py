"""What reading every annotation of a source costs, at three million labelled frames.

Trees in the native layouts of three sources are drawn, labels only: tables of a phase by frame, wide tables of
instruments beside them, and one JSON document of boxes a video. Each is read as a plan and a build read it, video by
video, in a process of its own::

    python benchmarks/planning.py [--frames 3000000] [--source NAME ...]

Prints CPU seconds, seconds a million frames, and the largest memory of the process. Costs that grow faster than the
frames show beside a second run with a tenth of them, which is made for it.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from surgsigma_hub.cli.output import say, table
from surgsigma_hub.records import Defect
from surgsigma_hub.registry import get_source
from surgsigma_hub.source.layout import split_table

VIDEOS = 40
PHASES = ("Preparation", "CalotTriangleDissection", "ClippingCutting", "GallbladderDissection")


def phase_tables(root: Path, frames: int) -> None:
    """m2cai16-workflow: a number and a phase."""
    each = frames // VIDEOS
    for video in range(1, VIDEOS + 1):
        rows = (f"{n}\t{PHASES[4 * n // each]}\n" for n in range(each))
        _write(root / f"train_dataset/workflow_video_{video:02d}.txt", "Frame\tPhase\n" + "".join(rows))


def wide_tables(root: Path, frames: int) -> None:
    """HeiChole: a phase, and 21 columns of instruments."""
    each = frames // VIDEOS
    flags = [",".join(str(int(column == one)) for column in range(21)) for one in range(7)]
    for video in range(1, VIDEOS + 1):
        phase = "".join(f"{n},{4 * n // each}\n" for n in range(each))
        tools = "".join(f"{n},{flags[n // 500 % 7]}\n" for n in range(each))
        _write(root / f"Annotations/Phase/Hei-Chole{video}_Annotation_Phase.csv", phase)
        _write(root / f"Annotations/Instrument/Hei-Chole{video}_Annotation_Instrument.csv", tools)


def boxes(root: Path, frames: int) -> None:
    """CholecTrack20: two boxes of instruments for each frame, in operations of different lengths as all are."""
    named = [int(id.removeprefix("VID")) for id in split_table("cholectrack20")["official"]]
    for place, video in enumerate(named):
        each = frames // len(named) + 2 * place - len(named) + 1
        records: dict[str, list[dict[str, object]]] = {}
        for second in range(1, each + 1):
            x = round(0.05 + (second * 7 + video) % 400 / 1000, 3)
            shared = {"phase": min(6, 7 * second // each), "verb": -1, "target": -1, "triplet": -2, "operator": 1}
            records[str(25 * second + 1)] = [
                {"instrument": second % 6, "tool_bbox": [x, 0.1, 0.25, 0.3], **shared},
                {"instrument": 2, "tool_bbox": [0.7, 0.55, 0.3, 0.4], **shared},
            ]
        names = ("grasper", "bipolar", "hook", "scissors", "clipper", "irrigator", "specimen-bag")
        tools = [{"id": n, "name": name} for n, name in enumerate(names)]
        document = {"video": {"name": f"VID{video:02d}"}, "categories": {"tools": tools}, "annotations": records}
        _write(root / f"Training/VID{video:02d}/VID{video:02d}.json", json.dumps(document))


TREES: dict[str, Callable[[Path, int], None]] = {
    "m2cai16_workflow": phase_tables,
    "heichole": wide_tables,
    "cholectrack20": boxes,
}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def read(name: str, root: Path) -> dict[str, float]:
    """All annotations of the tree: moments, defects, CPU seconds, and the largest memory in MB."""
    began = time.process_time()
    source = get_source(name)(root)
    moments = defects = 0
    for video in source.videos():
        for found in source.frames(video):
            if isinstance(found, Defect):
                defects += 1
            else:
                moments += 1
        source.recording(video)
        source.course(video)
    # getrusage would count what the parent held when it forked, so ask for that of this program alone
    memory = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    megabytes = int(memory[1]) / 1024 if memory else float("nan")
    return {"moments": moments, "defects": defects, "seconds": time.process_time() - began, "memory": megabytes}


def measured(name: str, frames: int) -> dict[str, float]:
    """:func:`read` in a new process, of a tree drawn for it."""
    with tempfile.TemporaryDirectory() as folder:
        TREES[name](Path(folder), frames)
        command = [sys.executable, __file__, "--read", name, folder]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: dict[str, float] = json.loads(printed)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=3_000_000, help="labelled frames of each tree")
    parser.add_argument("--source", action="append", choices=TREES, help="only this source; repeat for more")
    parser.add_argument("--read", nargs=2, metavar=("SOURCE", "ROOT"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.read:
        sys.stdout.write(json.dumps(read(args.read[0], Path(args.read[1]))))
        return
    rows = []
    for name in args.source or TREES:
        for frames in (args.frames // 10, args.frames):
            found = measured(name, frames)
            million = found["seconds"] / frames * 1e6
            rows.append(
                (name, f"{frames:,}", f"{found['moments']:,}", f"{found['defects']:,}",
                 f"{found['seconds']:.1f}", f"{million:.1f}", f"{found['memory']:,.0f}")
            )  # fmt: skip
    head = ("source", "frames", "moments", "defects", "CPU s", "s a million", "MB")
    say(table(head, rows))


if __name__ == "__main__":
    main()
