"""What a small Hub knows, and one request to it: who asks, and what ranges and JSON look like in an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from hub_repos import Bucket, Refused, Repo, Store
from hub_xet import XetStore

TOKEN = "hf_" + "test" * 8  # of a user of this server alone
PAGE = 50
"""Entries of one page of a listing."""

Answer = tuple[int, bytes, Mapping[str, str]]
"""Status, body and headers."""


@dataclass
class State:
    """What the server holds.

    Attributes:
        tokens: Token to user.
        xet_tokens: Of those, the ones that the Xet store knows, each for some of what is there.
        leaks: Requests at the storage host that carried a token of the Hub.
        uploaded: Bytes that came by PUT.
        url: Where it is asked.
        storage: Another name of the same server, where content lies.
    """

    store: Store = field(default_factory=Store)
    xet: XetStore = field(default_factory=XetStore)
    buckets: dict[str, Bucket] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=lambda: {TOKEN: "org"})
    xet_tokens: set[str] = field(default_factory=set)
    leaks: list[str] = field(default_factory=list)
    uploaded: int = 0
    url: str = ""
    storage: str = ""

    def clear(self) -> None:
        """As new."""
        self.store.repos.clear()
        self.store.content.clear()
        self.store.xet_hashes.clear()
        self.xet.clear()
        self.buckets.clear()
        self.xet_tokens.clear()
        self.leaks.clear()
        self.tokens = {TOKEN: "org"}
        self.uploaded = 0


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        path: As it came, with its query.
        words: Of the path, unquoted.
    """

    method: str
    path: str
    words: list[str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Asked:
    """A request and the server that it is for; whatever the Hub refuses is raised as :class:`Refused`."""

    state: State
    request: Request

    @property
    def token(self) -> str:
        """What the request brought along."""
        return self.request.headers.get("Authorization", "").partition(" ")[2]

    def user(self) -> str | None:
        """Who asks; None: anybody."""
        if not self.token:
            return None
        user = self.state.tokens.get(self.token)
        if user is None:
            raise Refused(401, "Invalid credentials in Authorization header")
        return user

    def allow(self, repo: Repo | Bucket | None, *, write: bool = False, content: bool = False) -> None:
        """Refuse who may not see it, may not change it, or may not have its content."""
        user = self.user()
        if repo is None or (repo.private and user != repo.owner):
            raise Refused(401 if user is None else 404, "Repository not found", "RepoNotFound")
        if write and user != repo.owner:
            raise Refused(401 if user is None else 403, "You have no write access to this dataset")
        if content and repo.gated and user != repo.owner:
            raise Refused(401 if user is None else 403, "Access to this dataset is restricted", "GatedRepo")

    def no_token_of_the_hub(self) -> None:
        """Note a token that was taken along to where it must not go."""
        if self.token in self.state.tokens:
            self.state.leaks.append(f"{self.request.method} {self.request.path}")

    def part(self, data: bytes, head: Mapping[str, str]) -> Answer:
        """The range of ``data`` that was asked for."""
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.request.headers.get("Range", ""))
        if span is None:
            return 200, data, {**head, "Accept-Ranges": "bytes"}
        start, end = int(span[1]), min(int(span[2] or len(data)), len(data) - 1)
        if start >= len(data):
            raise Refused(416, "range beyond the file")
        return 206, data[start : end + 1], {**head, "Content-Range": f"bytes {start}-{end}/{len(data)}"}

    def xet_token(self, kind: str) -> Answer:
        """A token for the Xet store, both ways in which clients look for it."""
        token = f"xet_{kind}_{len(self.state.xet_tokens)}"
        self.state.xet_tokens.add(token)
        made = {"casUrl": f"{self.state.storage}/cas", "accessToken": token, "exp": 1 << 32}
        names = ("X-Xet-Cas-Url", "X-Xet-Access-Token", "X-Xet-Token-Expiration")
        return 200, json.dumps(made).encode(), dict(zip(names, map(str, made.values()), strict=True))


def as_json(value: object) -> Answer:
    """An answer that is JSON."""
    return 200, json.dumps(value).encode(), {"Content-Type": "application/json"}
