"""Dataset repositories in memory, as the Hub keeps them: content by digest, commits, branches, tags, pull requests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch

LARGE = ("*.tar", "*.parquet", "*.gz", "*.jpg", "*.png", "*.mp4", "*.zip")
"""What goes the LFS way, as the ``.gitattributes`` that the Hub writes into a new dataset say."""

ATTRIBUTES = "".join(f"{pattern} filter=lfs diff=lfs merge=lfs -text\n" for pattern in LARGE).encode()


class Refused(Exception):
    """A request that the Hub refuses."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


@dataclass(frozen=True)
class Entry:
    """One file of a commit: the digest git has of it, and where it is kept the LFS way, its sha256."""

    oid: str
    size: int
    sha256: str | None

    @property
    def etag(self) -> str:
        """What a download calls it."""
        return self.sha256 or self.oid


@dataclass(frozen=True)
class Commit:
    """One state of a dataset."""

    oid: str
    parent: str | None
    title: str
    files: Mapping[str, Entry]


@dataclass
class Repo:
    """One dataset.

    Attributes:
        refs: Branches, tags and pull requests (``refs/pr/N``), to commits.
        history: Every commit ever made, in order.
        pulls: Title and status of each pull request, by number.
    """

    name: str
    owner: str
    private: bool = False
    gated: str | bool = False
    refs: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    history: list[Commit] = field(default_factory=list)
    pulls: dict[int, list[str]] = field(default_factory=dict)

    def at(self, revision: str) -> Commit:
        """The commit of a branch, a tag, a pull request or a commit."""
        found = self.commits.get(self.refs.get(revision, revision))
        if found is None:
            raise Refused(404, f"no revision {revision}", "RevisionNotFound")
        return found

    def commit(self, ref: str, title: str, files: Mapping[str, Entry]) -> Commit:
        """Put a new commit on ``ref``."""
        parent = self.refs.get(ref)
        digest = hashlib.sha1(f"{parent} {title} {len(self.history)}".encode())
        digest.update(repr(sorted(files.items())).encode())
        made = Commit(digest.hexdigest(), parent, title, dict(files))
        self.commits[made.oid] = made
        self.history.append(made)
        self.refs[ref] = made.oid
        return made


@dataclass(frozen=True)
class BucketEntry:
    """One file of a bucket: its Xet hash, and the time that its sender says it has, in milliseconds."""

    xet: str
    size: int
    mtime: int


@dataclass
class Bucket:
    """Files without versions.

    Attributes:
        history: Of every change of one file, what it was after that.
    """

    owner: str
    private: bool = False
    gated: str | bool = False
    files: dict[str, BucketEntry] = field(default_factory=dict)
    history: list[dict[str, BucketEntry]] = field(default_factory=list)


@dataclass
class Store:
    """All datasets, and the content of their files by digest (git's, or sha256).

    Attributes:
        xet_hashes: Of a file that came by Xet, by its sha256.
    """

    repos: dict[str, Repo] = field(default_factory=dict)
    content: dict[str, bytes] = field(default_factory=dict)
    xet_hashes: dict[str, str] = field(default_factory=dict)

    def regular(self, data: bytes) -> Entry:
        """Keep a file the way of git."""
        oid = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        self.content[oid] = data
        return Entry(oid, len(data), None)

    def large(self, sha256: str, size: int) -> Entry:
        """A file that was sent the LFS way before."""
        if len(self.content.get(sha256, b"")) != size or sha256 not in self.content:
            raise Refused(400, f"LFS pointer pointed to a file that does not exist: {sha256}")
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()
        return Entry(hashlib.sha1(b"blob %d\0" % len(pointer) + pointer).hexdigest(), size, sha256)

    def keep(self, data: bytes) -> str:
        """Keep content by its sha256."""
        sha256 = hashlib.sha256(data).hexdigest()
        self.content[sha256] = data
        return sha256

    def data(self, entry: Entry) -> bytes:
        """The content of a file."""
        return self.content[entry.sha256 or entry.oid]

    def create(self, name: str, owner: str, *, private: bool = False) -> Repo:
        """A new dataset, which holds what the Hub puts there."""
        if name in self.repos:
            raise Refused(409, "You already created this dataset repo")
        made = Repo(name, owner, private)
        made.commit("main", "initial commit", {".gitattributes": self.regular(ATTRIBUTES)})
        self.repos[name] = made
        return made

    def change(self, repo: Repo, ref: str, title: str, lines: list[dict[str, object]], parent: str | None) -> Commit:
        """Apply the lines of a commit, all or none."""
        if ref not in repo.refs:
            raise Refused(404, f"no branch {ref}", "RevisionNotFound")
        if parent is not None and not repo.refs[ref].startswith(parent):
            raise Refused(412, "A commit has happened since. Please refresh and try again.")
        files = dict(repo.commits[repo.refs[ref]].files)
        for path, entry in self._changes(lines, files):
            if entry is None:
                if path not in files:
                    raise Refused(404, f"{path} does not exist", "EntryNotFound")
                del files[path]
            else:
                files[path] = entry
        return repo.commit(ref, title, files)

    def _changes(
        self, lines: list[dict[str, object]], files: Mapping[str, Entry]
    ) -> Iterator[tuple[str, Entry | None]]:
        import base64

        for line in lines:
            kind, value = line["key"], line["value"]
            assert isinstance(value, dict)
            path = str(value["path"])
            if path.startswith("/") or ".." in path.split("/"):
                raise Refused(400, f"bad path {path}")
            if kind == "file":
                yield path, self.regular(base64.b64decode(value["content"]))
            elif kind == "lfsFile":
                yield path, self.large(value["oid"], value["size"])
            elif kind == "deletedFile":
                yield path, None
            elif kind == "deletedFolder":
                yield from ((name, None) for name in list(files) if name.startswith(f"{path.rstrip('/')}/"))
            else:
                raise Refused(400, f"unknown operation {kind}")

    def merge(self, repo: Repo, number: int) -> Commit:
        """Merge a pull request: what it changed since it branched off goes onto main in one commit."""
        title, status = repo.pulls[number]
        if status != "open":
            raise Refused(400, f"pull request {number} is {status}")
        head = repo.at(f"refs/pr/{number}")
        base = self._fork(repo, head)
        files = dict(repo.at("main").files)
        for path in {*base.files, *head.files}:
            old, new = base.files.get(path), head.files.get(path)
            if old == new:
                continue
            if files.get(path) != old:
                raise Refused(409, f"conflict in {path}")
            if new is None:
                files.pop(path, None)
            else:
                files[path] = new
        repo.pulls[number] = [title, "merged"]
        return repo.commit("main", title, files)

    @staticmethod
    def _fork(repo: Repo, head: Commit) -> Commit:
        mains, one = set[str](), repo.at("main")
        while True:
            mains.add(one.oid)
            if one.parent is None:
                break
            one = repo.commits[one.parent]
        while head.oid not in mains and head.parent is not None:
            head = repo.commits[head.parent]
        return head

    def tree(self, commit: Commit, folder: str, *, deep: bool) -> list[dict[str, object]]:
        """What a listing of a folder says; a folder that is not there is refused."""
        prefix = f"{folder}/" if folder else ""
        names = sorted(path for path in commit.files if path.startswith(prefix))
        if not names and folder:
            raise Refused(404, f"{folder} does not exist", "EntryNotFound")
        listed: dict[str, dict[str, object]] = {}
        for path in names:
            parts = path[len(prefix) :].split("/")
            for depth in range(1, len(parts)):
                inner = prefix + "/".join(parts[:depth])
                if deep or depth == 1:
                    oid = hashlib.sha1(inner.encode()).hexdigest()
                    listed.setdefault(inner, {"type": "directory", "oid": oid, "size": 0, "path": inner})
            if deep or len(parts) == 1:
                listed[path] = self.entry(path, commit.files[path])
        return list(listed.values())

    def entry(self, path: str, entry: Entry) -> dict[str, object]:
        """One file of a listing."""
        made: dict[str, object] = {"type": "file", "oid": entry.oid, "size": entry.size, "path": path}
        if entry.sha256:
            made["lfs"] = {"oid": entry.sha256, "size": entry.size, "pointerSize": 134}
        if entry.sha256 in self.xet_hashes:
            made["xetHash"] = self.xet_hashes[entry.sha256]
        return made


def is_large(path: str, size: int) -> bool:
    """Whether the Hub has a file sent the LFS way."""
    return size > 10 << 20 or any(fnmatch(path, pattern) for pattern in LARGE)


def with_gate(repo: Repo, settings: Mapping[str, object]) -> Repo:
    """A dataset with other settings."""
    private = settings.get("private", settings.get("visibility", repo.private) in (True, "private"))
    return replace(repo, private=bool(private), gated=settings.get("gated", repo.gated))  # type: ignore[arg-type]
