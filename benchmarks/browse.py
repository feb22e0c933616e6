"""How long ``surgsigma browse`` takes to its first sample, on a tree that is there or on an index of millions.

python benchmarks/browse.py surgsigma                # the tree; with --page also in headless Chromium
python benchmarks/browse.py --samples 6000000        # an index of that many, with one shard that is really there
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson
from surgsigma_hub.browse.gallery import Filter, Gallery
from surgsigma_hub.browse.markup import sample_html

_SHARD = 600
"""Samples of a shard: 10,000 shards hold six million."""


def first_sample(tree: str) -> dict[str, float]:
    """Seconds to open, to the first sample, to the next, and to the first one of a label."""
    began = time.perf_counter()
    gallery = Gallery(tree)
    view = gallery.view(Filter())
    opened = time.perf_counter()
    sample_html(gallery.read(view.place(0)))
    first = time.perf_counter()
    sample_html(gallery.read(view.place(min(1, len(view) - 1))))
    second = time.perf_counter()
    found = {"samples": len(view), "open": opened - began, "first": first - began, "next": second - first}
    gallery.close()
    return {name: round(value, 3) for name, value in found.items()}


def page(tree: str, port: int) -> dict[str, float]:
    """Seconds from a browser's request to the first sample on its screen, the server running: cold, then again."""
    from playwright.sync_api import sync_playwright

    command = [sys.executable, "-m", "surgsigma_hub.cli", "browse", tree, "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout and any("http://" in line for line in server.stdout)
            with sync_playwright() as started:
                browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
                times = []
                for _ in range(2):
                    shown = browser.new_page()
                    began = time.perf_counter()
                    shown.goto(f"http://127.0.0.1:{port}/")
                    shown.wait_for_selector(".ss-sample", timeout=120_000)
                    times.append(time.perf_counter() - began)
                browser.close()
        finally:
            server.kill()
    return {"page": round(times[0], 2), "page again": round(times[1], 2)}


def large(tree: Path, samples: int) -> None:
    """A tree whose manifests list ``samples`` samples in shards of 600; only the first shard of each part is there."""
    import surgsigma_hub

    surgsigma_hub.build("synthetic", out=tree, options={"videos": "2", "frames": "60", "width": "64", "height": "48"})
    manifests = sorted(tree.glob("data/*/*/train.manifest.json"))
    for path in manifests:
        raw = orjson.loads(path.read_bytes())
        one = raw["shards"][0]
        stem, _, end = one["name"].rpartition(f"{0:05d}")
        count = max(1, samples // len(manifests) // _SHARD)
        shards = [one, *({**one, "name": f"{stem}{n:05d}{end}", "samples": _SHARD} for n in range(1, count))]
        raw["shards"] = shards
        for name in ("samples", "bytes"):
            raw[name] = sum(s[name] for s in shards)
        path.write_bytes(orjson.dumps(raw))


def main() -> None:
    """Print the seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", nargs="?", default="surgsigma")
    parser.add_argument("--samples", type=int, help="of an index that is made for this")
    parser.add_argument("--page", action="store_true", help="also in headless Chromium")
    parser.add_argument("--port", type=int, default=7960)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if args.samples:
            args.tree = str(Path(folder) / "surgsigma")
            large(Path(args.tree), args.samples)
        print(first_sample(args.tree))
        if args.page:
            print(page(args.tree, args.port))


if __name__ == "__main__":
    main()
