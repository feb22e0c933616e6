"""How long ``surgsigma browse`` takes to its first sample, on a tree that is there or on an index of millions.

python benchmarks/browse.py surgsigma                # the tree; with --page also in headless Chromium
python benchmarks/browse.py --samples 6000000        # manifests and catalogs of that many, with one shard of each part
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
from surgsigma_hub.building.catalog import GROUP_ROWS, merge


def first_sample(tree: str) -> dict[str, float]:
    """Seconds to open and to the first sample, then for the next, the list of labels, and all of one picture."""
    began = time.perf_counter()
    gallery = Gallery(tree)
    view = gallery.view(Filter())
    opened = time.perf_counter()
    sample_html(gallery.read(view.place(0)))
    first = time.perf_counter()
    sample_html(gallery.read(view.place(min(1, len(view) - 1))))
    second = time.perf_counter()
    gallery.labels(Filter())
    counted = time.perf_counter()
    gallery.together(gallery.read(view.place(0)))
    together = time.perf_counter()
    found = {"samples": len(view), "open": opened - began, "first": first - began, "next": second - first,
             "labels": counted - second, "together": together - counted}  # fmt: skip
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
    """A tree whose manifests and catalogs list ``samples`` samples; only the first shard of each part is there."""
    import surgsigma_hub

    surgsigma_hub.build("synthetic", out=tree, options={"videos": "2", "frames": "60", "width": "64", "height": "48"})
    manifests = sorted(tree.glob("data/*/*/train.manifest.json"))
    for path in manifests:
        raw = orjson.loads(path.read_bytes())
        one = raw["shards"][0]
        stem, _, end = one["name"].rpartition(f"{0:05d}")
        together = max(1, GROUP_ROWS // one["samples"])
        groups = max(1, samples // len(manifests) // one["samples"] // together)
        count = together * groups
        raw["shards"] = [{**one, "name": f"{stem}{n:05d}{end}"} for n in range(count)]
        for name in ("samples", "bytes"):
            raw[name] = sum(s[name] for s in raw["shards"])
        path.write_bytes(orjson.dumps(raw))
        catalog = tree / "catalog" / f"{raw['task']}-{raw['source']}-{raw['split']}.parquet"
        merge([catalog] * together, catalog.with_suffix(".group"))
        merge([catalog.with_suffix(".group")] * groups, catalog)
        catalog.with_suffix(".group").unlink()


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
