"""Peak memory of the parent and of every worker of a synthetic build, at a tenth of the samples and at all of them."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

_CHILD = """
import sys
from surgsigma_hub.api import build
if __name__ == "__main__":
    options = {"videos": sys.argv[3], "frames": "250", "width": "64", "height": "48"}
    report = build("synthetic", out=sys.argv[1], workers=int(sys.argv[2]), options=options)
    print(sum(row.samples for row in report.rows), report.frames, f"{report.seconds:.1f}")
"""


def measure(folder: Path, videos: int, workers: int) -> None:
    """Run one build in a process of its own and print the peaks."""
    script = folder / "child.py"
    script.write_text(_CHILD)
    command = [sys.executable, str(script), str(folder / f"tree-{videos}"), str(workers), str(videos)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peaks: dict[int, int] = {}

    def watch() -> None:
        parent = psutil.Process(child.pid)
        while child.poll() is None:
            try:
                for process in [parent, *parent.children(recursive=True)]:
                    peaks[process.pid] = max(peaks.get(process.pid, 0), process.memory_info().rss)
            except psutil.NoSuchProcess:
                continue
            time.sleep(0.1)

    thread = threading.Thread(target=watch)
    thread.start()
    output = child.communicate()[0].split()
    thread.join()
    if child.returncode:
        raise SystemExit("the build failed")
    others = [rss for pid, rss in peaks.items() if pid != child.pid]
    samples, frames, seconds = int(output[-3]), int(output[-2]), output[-1]
    print(
        f"{samples:8,} samples of {frames:7,} frames in {seconds:>7} s: parent {peaks[child.pid] / 1e6:5.0f} MB, "
        f"largest worker {max(others, default=0) / 1e6:5.0f} MB",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    per_video = 250 * 20  # about 20 samples a frame over all tasks
    with tempfile.TemporaryDirectory() as folder:
        for share in (0.1, 1.0):
            videos = max(6, round(arguments.samples * share / per_video))
            measure(Path(folder), videos, arguments.workers)


if __name__ == "__main__":
    main()
