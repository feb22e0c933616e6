"""Put a tree into a bucket on the Hub, so that no reader ever meets a manifest or a card without its shards.

Buckets have no commits. So what names files that will change is taken away first (README.md and the manifests of these
parts), then come shards and catalogs, then manifests, then the pages, and README.md last. A stream that is reading a
shard meanwhile says so by name. Running the same command again completes what was begun.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import SurgSigmaError
from ..shards.manifest import Manifest, load_tree
from .attempts import PushError
from .bucket import AT_ONCE, Bucket, BucketState
from .pin import pin, write_pin
from .published import PublishedFile, Stage, check_limits, data_digest, left_at_home, published_files, stale_places
from .push import PushOptions, PushPlan
from .readiness import check_cards, check_ours_there, check_valid
from .receipts import write_receipt
from .terms import refuse, tree_terms

_MANIFEST = ".manifest.json"
_Step = tuple[str, Sequence[PublishedFile], Sequence[str]]
"""Title, files to send, places to take away."""


@dataclass(slots=True)
class BucketPush:
    """One push: looked at with :meth:`plan`, done with :meth:`run`.

    Args:
        tree: Folder of a built tree.
        name: ``ORG/NAME`` of the bucket.
        options: What the user decides; a bucket has no gate, and no versions to tag.
        say: Told what happens, line by line.
    """

    tree: Path
    name: str
    options: PushOptions = field(default_factory=PushOptions)
    say: Callable[[str], None] = lambda line: None
    bucket: Bucket = field(init=False)
    _manifests: list[Manifest] = field(init=False, default_factory=list)
    _steps: list[_Step] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.bucket = Bucket(self.name)

    def plan(self) -> PushPlan:
        """Look at the tree and at the bucket; nothing is changed but what the tree's folder ``.push`` notes.

        Raises:
            ShardError: the tree is not whole, its cards are stale, or the Hub would not take it.
            SurgSigmaError: the bucket is somebody else's, or cannot be asked.
        """
        check_cards(self.tree)
        return self._plan(self.bucket.state())

    def run(self, plan: PushPlan) -> dict[str, Any]:
        """Upload, and give the receipt.

        Raises:
            SurgSigmaError: the terms of a source keep the tree at home, or it is not valid.
            PushError: the Hub refuses something, cannot be reached, or holds something else afterwards.
        """
        refuse(plan.refusals)
        check_valid(self.tree, self._manifests, workers=self.options.workers, say=self.say)
        if not plan.exists:
            self.bucket.create(private=self.options.private)
        plan = self._plan(self.bucket.state())  # as it is now: a stopped push may have left something
        if not self._steps:
            self.say("Nothing to send: everything is there.")
        for title, files, gone in self._steps:
            self.say(f"{title}: {len(files) + len(gone):,} files")
            self.bucket.send(files, gone)
        private = self._check_whole()
        receipt = {
            "bucket": self.bucket.url,
            "page": self.bucket.page,
            "private": private,
            **plan.receipt(self._manifests, self.options),
        }
        self.say(f"Receipt: {write_receipt(self.tree, f'buckets/{self.name}', receipt)}")
        return receipt

    def _plan(self, state: BucketState | None) -> PushPlan:
        self._manifests = load_tree(self.tree)
        version = f"data-{data_digest(self._manifests)[:12]}"
        refusals = tree_terms(self._manifests).refusals(gated=False, rights=self.options.rights)
        write_pin(self.tree, pin(self.tree, self._manifests, version=version, rights=self.options.rights))
        files = published_files(self.tree, self._manifests)
        check_limits(files)
        remote: Mapping[str, object] = state.files if state is not None else {}
        if state is not None:
            check_ours_there(self.bucket.url, remote, self.bucket.read, where=self.bucket.url)
        stale = stale_places(remote, files)
        if stale and not self.options.delete:
            raise SurgSigmaError(
                f"{self.bucket.url} holds {len(stale):,} files that this tree does not (first: {stale[0]})",
                hint="Take them out with --delete, or publish to another bucket.",
            )
        same = self.bucket.holds(files, state) if state is not None else set()
        away = _naming([p for p in remote if p in stale or (p in {f.place for f in files} and p not in same)], remote)
        new = tuple(file for file in files if file.place not in same or file.place in away)
        self._steps = _steps(new, [place for place in stale if place not in away], away)
        return PushPlan(
            self.bucket.url, version, new, len(files) - len(new), stale,
            tuple((title, len(some) + len(out)) for title, some, out in self._steps), left_at_home(self.tree, files),
            refusals, state is not None, "README.md" in remote,
        )  # fmt: skip

    def _check_whole(self) -> bool:
        """Look at the bucket once more; whether it is private."""
        state, files = self.bucket.state(), published_files(self.tree, self._manifests)
        missing = sorted({f.place for f in files} - (self.bucket.holds(files, state) if state is not None else set()))
        if state is None or missing:
            raise PushError(
                f"{self.bucket.url}: {missing[0]} is not there as it was sent ({len(missing):,} files in all)",
                hint="Does somebody else write to it? Run the same command again: it looks at what is there now.",
            )
        return state.private


def _naming(changed: Sequence[str], remote: Mapping[str, object]) -> list[str]:
    """What is in the bucket and names files that will change: the card first, and manifests of their folders."""
    folders = {place.rpartition("/")[0] for place in changed if place.startswith("data/")}
    found = [p for p in remote if p.endswith(_MANIFEST) and p.rpartition("/")[0] in folders]
    return (["README.md"] if changed and "README.md" in remote else []) + sorted(found)


def _steps(new: Sequence[PublishedFile], gone: Sequence[str], away: Sequence[str]) -> list[_Step]:
    """What is done, one after the other."""
    made: list[_Step] = []
    if away:
        made.append(("Take away what names the files that change", (), away))
    for begin in range(0, len(gone), AT_ONCE):
        made.append(("Remove what an earlier tree held", (), gone[begin : begin + AT_ONCE]))
    data = [f for f in new if f.stage is Stage.DATA and not f.place.endswith(_MANIFEST)]
    for begin in range(0, len(data), AT_ONCE):
        made.append((f"Data, part {begin // AT_ONCE + 1}", data[begin : begin + AT_ONCE], ()))
    named = [f for f in new if f.place.endswith(_MANIFEST)]
    pages = [f for f in new if f.stage is Stage.PAGES]
    card = [f for f in new if f.stage is Stage.README]
    made += [(title, some, ()) for title, some in (("Manifests", named), ("Cards", pages), ("README.md", card)) if some]
    return made
