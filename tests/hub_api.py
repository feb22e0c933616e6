"""What a small Hub answers about datasets, but for faults and the connection itself: see hub_server.py."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import parse_qs, quote

import yaml

from hub_buckets import Buckets
from hub_cas import Cas
from hub_repos import Refused, Repo, is_large, with_gate
from hub_request import PAGE, Answer, Asked, as_json


class Api(Asked):
    """The answer to one request."""

    def _repo(self, name: str, *, write: bool = False, content: bool = False) -> Repo:
        repo = self.state.store.repos.get(name)
        self.allow(repo, write=write, content=content)
        assert repo is not None
        return repo

    def answer(self) -> Answer:
        """What it is."""
        words = self.request.words
        if words[0] == "storage":
            return self._storage(words[1])
        if words[0] == "cas":
            return Cas(self.state, self.request).answer()
        if words[0] == "buckets" or words[:2] == ["api", "buckets"]:
            return Buckets(self.state, self.request).answer()
        if words[:2] == ["api", "datasets"] and len(words) >= 4:
            return self._dataset("/".join(words[2:4]), words[4:])
        if words[0] == "datasets" and len(words) >= 6 and words[3] == "resolve":
            return self._resolve("/".join(words[1:3]), words[4], "/".join(words[5:]))
        if words[0] == "datasets" and words[-3:] == ["lfs", "objects", "batch"]:
            return self._batch("/".join(words[1:3]).removesuffix(".git"))
        where = "/".join(words)
        if where == "api/repos/create":
            return self._create()
        if where == "api/validate-yaml":
            return as_json(_yaml_problems(json.loads(self.request.body)["content"]))
        if where == "api/whoami-v2":
            user = self.user()
            if user is None:
                raise Refused(401, "Invalid username or password.")
            return as_json({"type": "user", "name": user, "orgs": [], "auth": {"type": "access_token"}})
        raise Refused(404, "no such page")

    def _create(self) -> Answer:
        asked, user = json.loads(self.request.body), self.user()
        if user is None:
            raise Refused(401, "Invalid username or password.")
        owner = asked.get("organization") or user
        if owner != user:
            raise Refused(403, f"You don't have the rights to create a dataset under the namespace {owner}")
        private = bool(asked.get("private")) or asked.get("visibility") == "private"
        name = f"{owner}/{asked['name']}"
        if name in self.state.store.repos:  # says where it is, which clients take as an answer
            there = {"error": "You already created this dataset repo", "url": f"{self.state.url}/datasets/{name}"}
            return 409, json.dumps(there).encode(), {"X-Error-Message": there["error"]}
        self.state.store.create(name, user, private=private)
        return as_json({"url": f"{self.state.url}/datasets/{name}", "name": name, "id": name})

    def _dataset(self, name: str, rest: list[str]) -> Answer:
        verb = rest[0] if rest else ""
        if verb in ("", "revision"):
            return self._info(name, rest[1] if rest else "main")
        if verb == "tree":
            return self._tree(name, rest[1], "/".join(rest[2:]))
        if verb in ("xet-write-token", "xet-read-token"):
            self._repo(name, write=verb == "xet-write-token", content=True)
            return self.xet_token(verb[4:-6])
        if verb == "paths-info":
            commit = self._repo(name).at(rest[1])
            asked = parse_qs(self.request.body.decode()).get("paths", [])
            return as_json([self.state.store.entry(p, commit.files[p]) for p in asked if p in commit.files])
        if verb == "refs":
            refs = self._repo(name).refs
            listed = [{"name": n, "ref": f"refs/heads/{n}", "targetCommit": oid} for n, oid in refs.items()]
            return as_json({"branches": listed, "tags": [], "converts": []})
        repo = self._repo(name, write=True)
        if verb == "preupload":
            return self._preupload(repo, rest[1])
        if verb == "commit":
            return self._commit(repo, rest[1])
        if verb == "tag":
            tag = json.loads(self.request.body)["tag"]
            if tag in repo.refs:
                raise Refused(409, f"Tag {tag} already exists")
            repo.refs[tag] = repo.at(rest[1]).oid
            return as_json({})
        if verb == "settings":
            self.state.store.repos[name] = with_gate(repo, json.loads(self.request.body))
            return as_json({})
        if verb == "discussions" and self.request.method == "GET":
            return self._pulls(repo, int(rest[1]) if len(rest) > 1 else None)
        if verb == "discussions" and rest[2:] == ["status"]:
            repo.pulls[int(rest[1])][1] = json.loads(self.request.body)["status"]
            return as_json({"newStatus": self._event("status-change", new_status=repo.pulls[int(rest[1])][1])})
        if verb == "discussions" and len(rest) == 1:
            number = len(repo.pulls) + 1
            repo.pulls[number] = [json.loads(self.request.body)["title"], "draft"]
            repo.refs[f"refs/pr/{number}"] = repo.refs["main"]
            return as_json({"num": number, "pullRequest": {"changes": {}}})
        if verb == "discussions" and rest[2:] == ["merge"]:
            return as_json({"oid": self.state.store.merge(repo, int(rest[1])).oid})
        raise Refused(404, "no such page")

    def _pulls(self, repo: Repo, number: int | None) -> Answer:
        made = [
            {
                "title": title, "num": n, "author": {"name": repo.owner}, "createdAt": "2026-11-30T00:00:00.000Z",
                "status": status, "repo": {"name": repo.name, "type": "dataset"}, "isPullRequest": True, "events": [],
                "changes": {"base": "refs/heads/main"}, "filesWithConflicts": [],
            }
            for n, (title, status) in repo.pulls.items()
        ]  # fmt: skip
        if number is not None:
            return as_json(made[number - 1])
        return as_json(
            {"discussions": made if self.request.query.get("p", "0") == "0" else [], "count": len(made), "start": 0}
        )

    @staticmethod
    def _event(kind: str, **data: str) -> dict[str, Any]:
        return {"id": "1", "type": kind, "createdAt": "2026-11-30T00:00:00.000Z", "author": {"name": "org"},
                "data": {"status": data.get("new_status")}}  # fmt: skip

    def _info(self, name: str, revision: str) -> Answer:
        repo = self._repo(name)
        commit = repo.at(revision)
        made: dict[str, Any] = {"id": name, "sha": commit.oid, "private": repo.private, "gated": repo.gated}
        siblings: list[dict[str, Any]] = []
        for path, entry in sorted(commit.files.items()):
            one: dict[str, Any] = {"rfilename": path}
            if self.request.query.get("blobs"):
                one |= {"size": entry.size, "blobId": entry.oid}
                if entry.sha256:
                    one["lfs"] = {"sha256": entry.sha256, "size": entry.size, "pointerSize": 134}
            siblings.append(one)
        return as_json({**made, "tags": [], "downloads": 0, "likes": 0, "siblings": siblings})

    def _tree(self, name: str, revision: str, folder: str) -> Answer:
        commit = self._repo(name).at(revision)
        deep = self.request.query.get("recursive", "").lower() in ("true", "1")
        listed = self.state.store.tree(commit, folder, deep=deep)
        start = int(self.request.query.get("cursor", "0"))
        status, data, head = as_json(listed[start : start + PAGE])
        if start + PAGE < len(listed):
            here = f"{self.state.url}/api/datasets/{name}/tree/{quote(revision, safe='')}/{quote(folder, safe='')}"
            following = f"{here.rstrip('/')}?recursive={deep}&cursor={start + PAGE}"
            head = {**head, "Link": f'<{following}>; rel="next"'}
        return status, data, head

    def _preupload(self, repo: Repo, revision: str) -> Answer:
        files = repo.at(revision).files
        answers = []
        for one in json.loads(self.request.body)["files"]:
            base64.b64decode(one["sample"])
            path = one["path"]
            mode = "lfs" if is_large(path, one["size"]) else "regular"
            oid = files[path].etag if path in files else None
            answers.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        return as_json({"files": answers})

    def _commit(self, repo: Repo, revision: str) -> Answer:
        lines = [json.loads(line) for line in self.request.body.splitlines() if line.strip()]
        header = next(line["value"] for line in lines if line["key"] == "header")
        rest = [line for line in lines if line["key"] != "header"]
        made = self.state.store.change(repo, revision, header["summary"], rest, header.get("parentCommit"))
        page = f"{self.state.url}/datasets/{repo.name}/commit/{made.oid}"
        return as_json({"success": True, "commitOid": made.oid, "commitUrl": page})

    def _batch(self, name: str) -> Answer:
        self._repo(name, write=True)
        objects, asked = [], json.loads(self.request.body)
        if "xet" in asked["transfers"]:
            return as_json(
                {"transfer": "xet", "objects": [{"oid": o["oid"], "size": o["size"]} for o in asked["objects"]]}
            )
        for one in asked["objects"]:
            made: dict[str, Any] = {"oid": one["oid"], "size": one["size"]}
            if one["oid"] not in self.state.store.content:
                href = f"{self.state.storage}/storage/{one['oid']}"
                made["actions"] = {"upload": {"href": href, "header": {}}}
            objects.append(made)
        return as_json({"transfer": "basic", "objects": objects})

    def _storage(self, sha256: str) -> Answer:
        self.no_token_of_the_hub()
        if self.request.method == "PUT":
            if self.state.store.keep(self.request.body) != sha256:
                raise Refused(400, "the content is not what was announced")
            self.state.uploaded += len(self.request.body)
            return 200, b"", {}
        return self.part(self.state.store.content[sha256], {"ETag": f'"{sha256}"'})

    def _resolve(self, name: str, revision: str, path: str) -> Answer:
        commit = self._repo(name, content=True).at(revision)
        entry = commit.files.get(path)
        if entry is None:
            raise Refused(404, f"{path} does not exist", "EntryNotFound")
        head = {"X-Repo-Commit": commit.oid, "ETag": f'"{entry.etag}"', "Accept-Ranges": "bytes"}
        if entry.sha256 is None:
            return self.part(self.state.store.data(entry), head)
        head |= {"X-Linked-ETag": f'"{entry.sha256}"', "X-Linked-Size": str(entry.size)}
        if entry.sha256 in self.state.store.xet_hashes:
            head["X-Xet-Hash"] = self.state.store.xet_hashes[entry.sha256]
            head["Link"] = f'<{self.state.url}/api/datasets/{name}/xet-read-token/{commit.oid}>; rel="xet-auth"'
        return 302, b"", {**head, "Location": f"{self.state.storage}/storage/{entry.sha256}"}


def _yaml_problems(text: str) -> dict[str, list[dict[str, str]]]:
    """What the Hub says of a card's front matter: that it is not YAML, or has a licence that is none."""
    found = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    try:
        front = yaml.load(found[1], getattr(yaml, "CSafeLoader", yaml.SafeLoader)) if found else {}
    except yaml.YAMLError as error:
        return {"errors": [{"message": f"YAML: {error}"}], "warnings": []}
    if front.get("license") == "made-up":
        return {"errors": [{"message": '"license" must be one of ...'}], "warnings": []}
    return {"errors": [], "warnings": []}
