#!/usr/bin/env bash
# wids 0.1.11: two indexes whose shards have the same file name in different folders (one folder a task, as task-wise
# surgical sets have), read through one cache folder.
# Expected: the cache knows shards by their whole address; each index gives its own samples.
# Seen: the cache knows a shard by the last part of its address: the second index silently gives the samples of the first.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check wids==0.1.11 numpy==1.26.4 torch==2.13.0
cd "$work"
"$work/v/bin/python" - <<'PY'
import functools
import io
import json
import tarfile
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import wids


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory="."))
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}"
for task in ("phase", "tools"):
    Path(task).mkdir()
    with tarfile.open(f"{task}/train-00000.tar", "w") as tar:
        data = task.encode()
        entry = tarfile.TarInfo("000.txt")
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))


def first(task: str) -> str:
    shards = [{"url": f"{address}/{task}/train-00000.tar", "nsamples": 1}]
    index = {"__kind__": "wids-shard-index-v1", "wids_version": 1, "name": task, "shardlist": shards}
    Path(f"{task}.json").write_text(json.dumps(index))
    dataset = wids.ShardListDataset(f"{task}.json", cache_dir="cache", transformations=[])
    value = dataset[0][".txt"]
    return (value.read() if hasattr(value, "read") else value).decode()


seen = {task: first(task) for task in ("phase", "tools")}
print("asked for each task's first sample:", seen)
assert seen == {"phase": "phase", "tools": "phase"}, "changed"
PY
