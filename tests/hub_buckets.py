"""How a small Hub answers what is asked of buckets: files without versions, whose content is in its Xet store."""

from __future__ import annotations

import json

from hub_repos import Bucket, BucketEntry, Refused
from hub_request import PAGE, Answer, Asked, as_json


class Buckets(Asked):
    """The answer to one request about a bucket."""

    def answer(self) -> Answer:
        """What it is."""
        words = self.request.words
        if words[0] == "buckets":
            return self._resolve("/".join(words[1:3]), "/".join(words[4:]))
        name, rest = "/".join(words[2:4]), words[4:]
        bucket = self.state.buckets.get(name)
        if not rest and self.request.method == "POST":
            return self._create(name)
        self.allow(bucket, write=bool(rest) and rest[0] in ("batch", "xet-write-token"))
        assert bucket is not None
        if not rest:
            size = sum(entry.size for entry in bucket.files.values())
            return as_json({"id": name, "private": bucket.private, "createdAt": "2026-11-30T00:00:00.000Z",
                            "size": size, "totalFiles": len(bucket.files)})  # fmt: skip
        if rest[0] in ("xet-write-token", "xet-read-token"):
            return self.xet_token(rest[0][4:-6])
        if rest[0] == "batch":
            return self._batch(bucket)
        if rest[0] == "paths-info":
            return as_json(
                [_item(p, bucket.files[p]) for p in json.loads(self.request.body)["paths"] if p in bucket.files]
            )
        if rest[0] == "tree":
            return self._tree(name, bucket, "/".join(rest[1:]))
        raise Refused(404, "no such page")

    def _create(self, name: str) -> Answer:
        user = self.user()
        if user is None or user != name.partition("/")[0]:
            raise Refused(401 if user is None else 403, "You don't have the rights to create a bucket there")
        asked = json.loads(self.request.body)
        private = bool(asked.get("private")) or asked.get("visibility") == "private"  # as 1.x and 2.x say it
        there = name in self.state.buckets
        self.state.buckets.setdefault(name, Bucket(user, private))
        return (409 if there else 200), json.dumps({"url": f"{self.state.url}/buckets/{name}"}).encode(), {}

    def _batch(self, bucket: Bucket) -> Answer:
        failed = []
        for line in map(json.loads, self.request.body.splitlines()):
            if line["type"] == "deleteFile":
                bucket.files.pop(line["path"], None)
                bucket.history.append(dict(bucket.files))
            elif line["xetHash"] in self.state.xet.files:
                size = len(self.state.xet.content(line["xetHash"]))
                bucket.files[line["path"]] = BucketEntry(line["xetHash"], size, line["mtime"])
                bucket.history.append(dict(bucket.files))
            else:
                failed.append({"path": line["path"], "error": "no such content"})
        return (422 if failed else 200), json.dumps({"success": not failed, "failed": failed}).encode(), {}

    def _tree(self, name: str, bucket: Bucket, folder: str) -> Answer:
        deep = self.request.query.get("recursive", "").lower() in ("true", "1")
        listed: dict[str, dict[str, object]] = {}
        prefix = f"{folder}/" if folder else ""
        for path in sorted(p for p in bucket.files if p.startswith(prefix) or p == folder):
            inner = path[len(prefix) :].split("/") if path != folder else [path]
            if len(inner) > 1 and not deep:
                top = prefix + inner[0]
                listed.setdefault(top, {"type": "directory", "path": top, "uploadedAt": "2026-11-30T00:00:00.000Z"})
            else:
                listed[path] = _item(path, bucket.files[path])
        start, items = int(self.request.query.get("cursor", "0")), list(listed.values())
        status, data, head = as_json(items[start : start + PAGE])
        if start + PAGE < len(items):
            following = f"{self.state.url}/api/buckets/{name}/tree/{folder}".rstrip("/")
            head = {**head, "Link": f'<{following}?recursive={deep}&cursor={start + PAGE}>; rel="next"'}
        return status, data, head

    def _resolve(self, name: str, path: str) -> Answer:
        bucket = self.state.buckets.get(name)
        self.allow(bucket)
        assert bucket is not None
        entry = bucket.files.get(path)
        if entry is None:
            raise Refused(404, f"{path} does not exist", "EntryNotFound")
        head = {
            "ETag": f'"{entry.xet}"',
            "X-Linked-Size": str(entry.size),
            "X-Xet-Hash": entry.xet,
            "Link": f'<{self.state.url}/api/buckets/{name}/xet-read-token>; rel="xet-auth"',
        }
        return self.part(self.state.xet.content(entry.xet), head)


def _item(path: str, entry: BucketEntry) -> dict[str, object]:
    return {"type": "file", "path": path, "size": entry.size, "xetHash": entry.xet,
            "mtime": "2026-11-30T00:00:00.000Z", "uploadedAt": "2026-11-30T00:00:00.000Z"}  # fmt: skip
