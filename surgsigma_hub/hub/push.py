"""Publish a tree to a dataset on the Hub, so that no reader ever meets a card without its shards.

A dataset without a card gets the data first, in commits of 250 files, then the pages, then ``README.md`` alone: until
then nobody loads it. A dataset that has a card is changed in one commit (of very many files: on a pull request that is
merged at the end), since its card names by globs what must not change one by one. Bytes go ahead of commits, so what
was uploaded before a stop is not sent again, and running the same command again completes what was begun.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..errors import SurgSigmaError
from ..shards.manifest import Manifest, load_tree
from ..version import __version__
from .attempts import PushError
from .pin import pin, write_pin
from .published import (
    PublishedFile,
    Stage,
    check_limits,
    data_digest,
    left_at_home,
    published_files,
    stale_places,
)
from .readiness import check_cards, check_ours_there, check_valid
from .receipts import write_receipt
from .repository import BATCH, RemoteState, Repository
from .terms import Refusal, refuse, tree_terms

logger = logging.getLogger(__name__)

AT_ONCE = 1000
"""Files of the largest single commit that replaces what readers use; of more, a pull request gathers them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushOptions:
    """What the user decides.

    Attributes:
        private: Make a new dataset private.
        gated: Have readers ask for access.
        rights: Sources of which the publisher holds the rights, whatever their stated terms are.
        delete: Take files of an earlier tree, which this one does not hold, out of the dataset.
        version: Of the data, to tag; empty takes one from the digest of the shards.
        workers: Processes that check the tree.
    """

    private: bool = False
    gated: Literal["", "auto", "manual"] = ""
    rights: tuple[str, ...] = ()
    delete: bool = False
    version: str = ""
    workers: int = 1


@dataclass(frozen=True, slots=True)
class PushPlan:
    """What a push will do.

    Attributes:
        new: Files to send, in the order in which they become visible.
        unchanged: How many files are there already.
        gone: Files of an earlier tree that will be deleted.
        steps: Titles of the commits, with the number of files of each.
        at_home: What lies in the tree and is not published.
    """

    repo: str
    version: str
    new: tuple[PublishedFile, ...]
    unchanged: int
    gone: tuple[str, ...]
    steps: tuple[tuple[str, int], ...]
    at_home: tuple[str, ...]
    refusals: tuple[Refusal, ...]
    exists: bool
    replaces: bool

    @property
    def bytes(self) -> int:
        """Bytes of the files to send."""
        return sum(file.size for file in self.new)

    def receipt(self, manifests: Sequence[Manifest], options: PushOptions) -> dict[str, Any]:
        """What the receipt says of a push that was done, wherever it went."""
        return {
            "data_sha256": data_digest(manifests),
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "files": len(self.new) + self.unchanged,
            "sent": {"files": len(self.new), "bytes": self.bytes},
            "deleted": list(self.gone),
            "rights_held_by_publisher": sorted(options.rights),
            "package": f"surgsigma-hub {__version__}",
        }

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "repo": self.repo, "version": self.version, "exists": self.exists, "files": [f.place for f in self.new],
            "bytes": self.bytes, "unchanged": self.unchanged, "deletes": list(self.gone),
            "commits": [{"title": title, "files": count} for title, count in self.steps],
            "not_published": list(self.at_home), "refusals": [one.as_dict() for one in self.refusals],
        }  # fmt: skip


@dataclass(slots=True)
class Push:
    """One push: looked at with :meth:`plan`, done with :meth:`run`.

    Args:
        tree: Folder of a built tree.
        repo: ``ORG/NAME``.
        options: What the user decides.
        say: Told what happens, line by line.
    """

    tree: Path
    repo: str
    options: PushOptions = field(default_factory=PushOptions)
    say: Callable[[str], None] = lambda line: None
    repository: Repository = field(init=False)
    _manifests: list[Manifest] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.repository = Repository(self.repo)

    def plan(self) -> PushPlan:
        """Look at the tree and at the dataset; nothing is changed but what the tree's folder ``.push`` notes.

        Raises:
            ShardError: the tree is not whole, its cards are stale, or the Hub would not take it.
            SurgSigmaError: the dataset is somebody else's, or cannot be asked.
        """
        check_cards(self.tree)
        return self._plan(self.repository.state())

    def run(self, plan: PushPlan) -> dict[str, Any]:
        """Publish, and give the receipt.

        Raises:
            SurgSigmaError: the terms of a source keep the tree at home, or it is not valid.
            PushError: the Hub refuses something or cannot be reached.
        """
        refuse(plan.refusals)
        check_valid(self.tree, self._manifests, workers=self.options.workers, say=self.say)
        if not plan.exists:
            self.repository.create(private=self.options.private)
        if self.options.gated:
            self.repository.gate(self.options.gated)
        state = self.repository.state()
        if state is None:
            raise PushError(f"{self.repo}: was made and is not there", hint="Run the same command again.")
        plan = self._plan(state)  # as it is now: it may be new, or a stopped push may have left something
        head = self._send(plan, state)
        tagged = self.repository.tag(plan.version, head)
        self.say(f"{'Tagged' if tagged else 'Tag'} {plan.version}: commit {head}")
        receipt = {
            "dataset": self.repo,
            "page": self.repository.page,
            "commit": head,
            "tag": plan.version,
            "gated": self.options.gated or state.gated,
            "private": state.private,
            **plan.receipt(self._manifests, self.options),
        }
        path = write_receipt(self.tree, self.repo, receipt)
        self.say(f"Receipt: {path}")
        return receipt

    def _plan(self, state: RemoteState | None) -> PushPlan:
        self._manifests = load_tree(self.tree)
        version = self.options.version or f"data-{data_digest(self._manifests)[:12]}"
        terms = tree_terms(self._manifests)
        gated = bool(self.options.gated) or (state is not None and state.gated)
        refusals = terms.refusals(gated=gated, rights=self.options.rights)
        write_pin(self.tree, pin(self.tree, self._manifests, version=version, rights=self.options.rights))
        files = published_files(self.tree, self._manifests)
        check_limits(files)
        remote = state.files if state is not None else {}
        if state is not None:
            where, read = f"{self.repo} at commit {state.commit[:12]}", self.repository.read
            check_ours_there(self.repo, state.files, lambda place: read(place, state.commit), where=where)
        new = tuple(file for file in files if state is None or not state.holds(file))
        stale = stale_places(remote, files)
        if stale and not self.options.delete:
            raise SurgSigmaError(
                f"{self.repo} holds {len(stale):,} files that this tree does not (first: {stale[0]}), and its card "
                "would count them in",
                hint="Take them out in the same commit with --delete, or publish to another dataset.",
            )
        replaces = "README.md" in remote
        return PushPlan(
            self.repo, version, new, len(files) - len(new), stale, _steps(new, stale, replaces),
            left_at_home(self.tree, files), refusals, state is not None, replaces,
        )  # fmt: skip

    def _send(self, plan: PushPlan, state: RemoteState) -> str:
        head = state.commit
        if not plan.new and not plan.gone:
            self.say("Nothing to send: everything is there.")
            return head
        groups = _groups(plan.new, plan.gone, plan.replaces)
        if len(groups) > 1 and plan.replaces:
            return self._by_pull(groups, plan, head)
        for title, files, gone in groups:
            self.say(f"{title}: {len(files):,} files")
            head = self.repository.commit(files, gone, title, parent=head)
        return head

    def _by_pull(self, groups: Sequence[_Group], plan: PushPlan, head: str) -> str:
        number = self.repository.open_pull(f"Data {plan.version}, on {head[:12]}")
        ref = f"refs/pr/{number}"
        state = self.repository.state(ref)
        if state is None:
            raise PushError(f"{self.repo}: pull request {number} is not there", hint="Run the same command again.")
        head = state.commit
        for title, files, gone in groups:
            left = [file for file in files if not state.holds(file)]
            away = [place for place in gone if place in state.files]
            if left or away:
                self.say(f"{title} (pull request {number}): {len(left) + len(away):,} files")
                head = self.repository.commit(left, away, title, parent=head, ref=ref)

        def merged(state: RemoteState) -> bool:
            return all(state.holds(file) for file in plan.new) and not set(plan.gone) & set(state.files)

        return self.repository.merge_pull(number, expected=merged)


_Group = tuple[str, Sequence[PublishedFile], Sequence[str]]


def _groups(new: Sequence[PublishedFile], gone: Sequence[str], replaces: bool) -> list[_Group]:
    """The commits of a push: title, files, deletions."""
    if replaces and len(new) + len(gone) <= AT_ONCE:
        return [("Replace the tree", new, gone)]
    made: list[_Group] = []
    for start in range(0, len(gone), BATCH):
        made.append(("Remove what an earlier tree held", (), gone[start : start + BATCH]))
    data = [file for file in new if file.stage is Stage.DATA]
    for start in range(0, len(data), BATCH):
        made.append((f"Data, part {start // BATCH + 1}", data[start : start + BATCH], ()))
    pages = [file for file in new if file.stage is Stage.PAGES]
    if pages:
        made.append(("Cards", pages, ()))
    made += [("README.md", [file], ()) for file in new if file.stage is Stage.README]
    return made


def _steps(new: Sequence[PublishedFile], gone: Sequence[str], replaces: bool) -> tuple[tuple[str, int], ...]:
    return tuple((title, len(files) + len(out)) for title, files, out in _groups(new, gone, replaces))


def push(
    tree: Path, repo: str, options: PushOptions | None = None, *, say: Callable[[str], None] = lambda line: None
) -> Mapping[str, Any]:
    """Publish a tree; gives the receipt. See :class:`Push`.

    Raises:
        SurgSigmaError: see :meth:`Push.plan` and :meth:`Push.run`.
    """
    one = Push(tree, repo, options or PushOptions(), say)
    return one.run(one.plan())
