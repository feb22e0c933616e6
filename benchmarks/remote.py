"""A stream over HTTP beside a bare loop of range requests with as many connections, and the time to the first sample.

The server is the one of the tests, in a process of its own on this machine, with a delay before each answer and a bound
on the rate of each connection. The bare loop asks for the blocks of the manifests, whole, and looks at nothing: what it
reaches is what the line gives. Both start from nothing in each round: new connections, the card and the manifests too.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parent.parent
SERVER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from webserver import serve
with serve(Path(sys.argv[2])) as web:
    web.delay, web.rate = float(sys.argv[3]), float(sys.argv[4])
    print(web.url, flush=True)
    sys.stdin.read()
"""
PASS = """
import json, sys, time
begin = time.perf_counter()
import surgsigma_hub
from surgsigma_hub.streaming import RemoteOptions
opened = time.perf_counter()
stream = surgsigma_hub.stream(
    sys.argv[1], "phase_recognition", decode="bytes", shuffle=sys.argv[2],
    remote=RemoteOptions(connections=int(sys.argv[3])),
)
rows = iter(stream)
size = sum(map(len, next(rows).media.values()))
first = time.perf_counter()
size += sum(len(data) for item in rows for data in item.media.values())
print(json.dumps([first - opened, time.perf_counter() - opened, size]))
"""


def make_tree(tree: Path, count: int) -> None:
    """Shards of pictures drawn at 854 x 480, with a card."""
    import surgsigma_hub

    options = {"videos": "4", "frames": str(-(-count // 4)), "width": "854", "height": "480"}
    surgsigma_hub.build(
        "synthetic", out=tree, options=options, tasks=["phase_recognition"], jpeg_quality=95, shard_bytes=32_000_000
    )


def bare(url: str, tree: Path, connections: int) -> float:
    """Seconds that the blocks of all shards take, on connections that are kept."""
    from surgsigma_hub.shards.manifest import load_tree

    jobs = []
    for m in load_tree(tree):
        if m.task == "phase_recognition" and m.split == "train":
            for shard in m.shards:
                edges = [*(start for start, _ in shard.blocks), shard.bytes]
                jobs += [(f"/{m.folder}/{shard.name}", a, b) for a, b in pairwise(edges)]
    place = urlsplit(url)
    shares = [jobs[n::connections] for n in range(connections)]

    def run(share: list[tuple[str, int, int]]) -> None:
        line = http.client.HTTPConnection(place.hostname or "", place.port)
        for path, begin, end in share:
            line.request("GET", path, headers={"Range": f"bytes={begin}-{end - 1}"})
            line.getresponse().read()
        line.close()

    begin = time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(run, shares))
    return time.perf_counter() - begin


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--delay", type=float, default=0.02, help="seconds before each answer")
    parser.add_argument("--rate", type=float, default=50e6, help="bytes a second of a connection")
    parser.add_argument("--connections", default="1,2,4")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "surgsigma"
        make_tree(tree, args.samples)
        server = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(ROOT / "tests"), str(tree), str(args.delay), str(args.rate)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert server.stdout and server.stdin
        url = server.stdout.readline().strip()
        try:
            for connections in map(int, args.connections.split(",")):
                line: list[float] = []
                ours: dict[str, list[float]] = {"none": [], "block": []}
                first: list[float] = []
                size = 0
                for number in range(args.rounds + 1):
                    seconds = bare(url, tree, connections)
                    for shuffle, found in ours.items():
                        call = [sys.executable, "-c", PASS, url, shuffle, str(connections)]
                        at, whole, size = json.loads(subprocess.run(call, capture_output=True, check=True).stdout)
                        if number:
                            found.append(seconds / whole)
                            first.append(at)
                    if number:
                        line.append(size / seconds / 1e6)
                print(
                    f"{connections} connections: the line gives {statistics.median(line):.0f} MB/s; share of it: "
                    + ", ".join(
                        f"shuffle={name} {statistics.median(found):.2f} ({min(found):.2f}-{max(found):.2f})"
                        for name, found in ours.items()
                    )
                    + f"; first sample after {statistics.median(first) / args.delay:.1f} delays",
                    flush=True,
                )
        finally:
            server.stdin.close()
            server.wait(timeout=10)


if __name__ == "__main__":
    main()
