#!/usr/bin/env bash
# wids 0.1.11: the same relative path of a shard, read in two working directories that each hold a set of their own, as
# when two trees are both called ./surgsigma. No cache folder is given; WIDS_CACHE stands for /tmp/_wids_cache.
# Expected: a file on this disk is read where it is, or cached under its whole path; each directory gives its own samples.
# Seen: it is copied into the cache under the path as given: the second directory silently gives the samples of the first.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check wids==0.1.11 numpy==1.26.4 torch==2.13.0
cd "$work"
WIDS_CACHE="$work/cache" "$work/v/bin/python" - <<'PY'
import io
import os
import tarfile
from pathlib import Path

import wids


def first(folder: str) -> str:
    os.chdir(Path(folder))
    dataset = wids.ShardListDataset([{"url": "data/train-00000.tar", "nsamples": 1}], transformations=[])
    value = dataset[0][".txt"]
    os.chdir("..")
    return (value.read() if hasattr(value, "read") else value).decode()


for folder in ("one", "two"):
    Path(folder, "data").mkdir(parents=True)
    with tarfile.open(f"{folder}/data/train-00000.tar", "w") as tar:
        entry = tarfile.TarInfo("000.txt")
        entry.size = len(folder)
        tar.addfile(entry, io.BytesIO(folder.encode()))
seen = {folder: first(folder) for folder in ("one", "two")}
print("asked in each folder for its first sample:", seen)
assert seen == {"one": "one", "two": "one"}, "changed"
PY
