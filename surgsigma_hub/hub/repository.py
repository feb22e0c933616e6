"""One dataset on the Hub as something to write to: what it holds, and commits that are looked at after any failure.

A commit whose answer was lost may have landed; one that was refused may have been refused because it had. So the tree
is listed before anything is tried again, and what is there already is done.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ..errors import SurgSigmaError
from .attempts import PushError, attempt
from .published import PublishedFile, same_as

BATCH = 250
"""Files of one commit, of many: what the Hub's own client begins with."""

_CONNECTIONS = 8
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file as a listing names it: its git digest, and its sha256 where it is kept the LFS way."""

    size: int
    oid: str
    sha256: str | None


@dataclass(frozen=True, slots=True)
class RemoteState:
    """One commit of a dataset."""

    commit: str
    files: Mapping[str, RemoteFile]
    gated: bool
    private: bool

    def holds(self, file: PublishedFile) -> bool:
        """Whether a file is there as it is on disk."""
        there = self.files.get(file.place)
        return there is not None and there.size == file.size and same_as(file, oid=there.oid, sha256=there.sha256)


class Repository:
    """A dataset on the Hub, written to with the token that the user is logged in with.

    Owns retries and the order "fail, look, go on"; never decides what is published.

    Args:
        name: ``ORG/NAME``.
        wait: Called with the seconds to wait before another try.
    """

    def __init__(self, name: str, *, wait: Callable[[float], None] = time.sleep) -> None:
        from huggingface_hub import HfApi

        self.name = name
        self._api = HfApi()
        self._wait = wait

    @property
    def page(self) -> str:
        """Its address."""
        return f"{self._api.endpoint}/datasets/{self.name}"

    def state(self, revision: str = "main") -> RemoteState | None:
        """What it holds; None where there is no such dataset.

        Raises:
            PushError: the Hub cannot be asked.
        """
        from huggingface_hub import errors as hub

        def ask() -> RemoteState | None:
            try:
                info = self._api.dataset_info(self.name, revision=revision)
            except hub.RepositoryNotFoundError:
                return None
            listed = self._api.list_repo_tree(self.name, recursive=True, revision=info.sha, repo_type="dataset")
            files = {
                one.path: RemoteFile(one.size, one.blob_id, one.lfs.sha256 if one.lfs else None)
                for one in listed
                if hasattr(one, "blob_id")  # folders have none
            }
            return RemoteState(info.sha, files, bool(info.gated), bool(info.private))

        return self._try(ask, "it could not be looked at")

    def create(self, *, private: bool) -> None:
        """Make it; one that is there already is fine.

        Raises:
            PushError: the account may not.
        """
        self._try(
            lambda: self._api.create_repo(self.name, repo_type="dataset", private=private or None, exist_ok=True),
            "it could not be made",
        )

    def gate(self, kind: str) -> None:
        """Have readers ask for access, granted at once (``auto``) or by hand (``manual``)."""
        self._try(
            lambda: self._api.update_repo_settings(self.name, repo_type="dataset", gated=kind),
            "its gate could not be set",
        )

    def read(self, place: str, commit: str) -> bytes:
        """A small file of a commit."""
        with tempfile.TemporaryDirectory(prefix="surgsigma-") as folder:
            self.download([place], commit, Path(folder))
            return (Path(folder) / place).read_bytes()

    def download(self, places: Sequence[str], commit: str, folder: Path) -> None:
        """Files of a commit, to the same places below ``folder``.

        Raises:
            PushError: one of them could not be read.
        """

        def fetch(place: str) -> None:
            def once() -> None:
                self._api.hf_hub_download(self.name, place, repo_type="dataset", revision=commit, local_dir=folder)

            self._try(once, f"its {place} could not be read")

        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            list(pool.map(fetch, places))

    def commit(
        self, files: Sequence[PublishedFile], gone: Sequence[str], title: str, *, parent: str, ref: str = "main"
    ) -> str:
        """Upload files and make them visible together, in one commit, which is looked for after any failure.

        Args:
            files: To add or replace.
            gone: Places to delete.
            title: Of the commit.
            parent: The commit that it was decided on; another head is refused.
            ref: Branch or pull request.

        Returns:
            The commit.

        Raises:
            PushError: the Hub refuses it, somebody else committed, or it cannot be reached.
        """
        from huggingface_hub import CommitOperationDelete

        def send() -> str:
            operations = [*map(_addition, files), *(CommitOperationDelete(place) for place in gone)]
            for part in _chunks(operations[: len(files)], BATCH):
                self._api.preupload_lfs_files(self.name, part, repo_type="dataset", revision=ref, free_memory=False)
            _check_unchanged(files)
            made = self._api.create_commit(
                self.name, operations, commit_message=title, repo_type="dataset", revision=ref, parent_commit=parent
            )
            return str(made.oid)

        def landed() -> str | None:
            state = self.state(ref)
            if state is None or state.commit == parent:
                return None
            if all(state.holds(file) for file in files) and not set(gone) & set(state.files):
                return state.commit
            raise PushError(
                f"{self.name}: somebody else committed to it while this was under way (commit {state.commit[:12]})",
                hint="Run the same command again: it looks at what is there now.",
            )

        return self._try(send, f"the commit {title!r} was not taken", landed=landed)

    def tag(self, name: str, commit: str) -> bool:
        """Tag a commit; False where the tag is there already.

        Raises:
            PushError: it is there on another commit.
        """
        from huggingface_hub import errors as hub

        def ask() -> bool:
            try:
                there = self._api.dataset_info(self.name, revision=name).sha
            except hub.RevisionNotFoundError:
                self._api.create_tag(self.name, tag=name, revision=commit, repo_type="dataset")
                return True
            if there == commit:
                return False
            raise PushError(
                f"{self.name} has the tag {name} on another commit ({there[:12]})",
                hint="A version names one state of the data for ever: choose another with --version.",
            )

        return self._try(ask, f"the tag {name} could not be set")

    def open_pull(self, title: str) -> int:
        """A pull request of that title to gather commits on: the one that a stopped push left, else a new one."""

        def ask() -> int:
            for one in self._api.get_repo_discussions(self.name, repo_type="dataset"):
                if one.is_pull_request and one.title == title and one.status in ("draft", "open"):
                    return int(one.num)
            return int(self._api.create_pull_request(self.name, title=title, repo_type="dataset").num)

        return self._try(ask, "a pull request could not be opened")

    def merge_pull(self, number: int, *, expected: Callable[[RemoteState], bool]) -> str:
        """Merge a pull request; the main branch is looked at afterwards, whatever the answer was."""

        def send() -> str:
            # What a program opens is a draft, which the Hub does not merge.
            self._api.change_discussion_status(self.name, number, "open", repo_type="dataset")
            self._api.merge_pull_request(self.name, number, repo_type="dataset")
            return landed() or ""

        def landed() -> str | None:
            state = self.state()
            return state.commit if state is not None and expected(state) else None

        return self._try(send, f"pull request {number} was not merged", landed=landed)

    def _try(self, step: Callable[[], _T], what: str, *, landed: Callable[[], _T | None] | None = None) -> _T:
        return attempt(self.name, step, what, wait=self._wait, landed=landed)


def _chunks(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _check_unchanged(files: Sequence[PublishedFile]) -> None:
    for file in files:
        stat = file.path.stat()
        if (stat.st_size, stat.st_mtime_ns) != (file.size, file.modified):
            raise PushError(
                f"{file.place}: changed while it was being published", hint="Wait until nothing writes into the tree."
            )


def _addition(file: PublishedFile) -> Any:
    """An addition of huggingface_hub that does not read a shard again whose sha256 is known."""
    from huggingface_hub import CommitOperationAdd
    from huggingface_hub.lfs import UploadInfo

    if file.sha256 is None:
        return CommitOperationAdd(path_in_repo=file.place, path_or_fileobj=str(file.path))
    with file.path.open("rb") as opened:
        known = UploadInfo(size=file.size, sample=opened.read(512), sha256=bytes.fromhex(file.sha256))

    class Known(CommitOperationAdd):  # type: ignore[misc]
        def __post_init__(self) -> None:
            self.upload_info = known

    return Known(path_in_repo=file.place, path_or_fileobj=str(file.path))


def find_dataset(target: str) -> tuple[Repository, RemoteState]:
    """A dataset on the Hub and what it holds, by what a person names it.

    Args:
        target: ``ORG/NAME``, with ``@REVISION`` if it is not the newest.

    Raises:
        SurgSigmaError: it is no such name, or there is nothing of that name.
        PushError: the Hub cannot be asked.
    """
    name, _, revision = target.partition("@")
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", name):
        raise SurgSigmaError(
            f"{target}: there is no such folder here, and it is not of the form ORG/NAME or ORG/NAME@REVISION"
        )
    repository = Repository(name)
    state = repository.state(revision or "main")
    if state is None:
        raise SurgSigmaError(
            f"dataset {name} was not found at {repository.page.removesuffix(f'/datasets/{name}')}",
            hint="Check the spelling of ORG/NAME; for a private dataset log in first with: hf auth login",
        )
    return repository, state
