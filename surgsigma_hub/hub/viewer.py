"""A companion of a published tree for the Hub's viewer: small pictures and texts as Parquet, ``ORG/NAME-viewer``.

The viewer shows little of tars, and ``datasets`` takes one form of file for all configs of a repository, so that the
pictures have one of their own. It holds samples of sources whose media may be shown to anybody, and no other.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from PIL import Image

from ..errors import MediaError, SurgSigmaError
from ..media.image import decode_rgb
from ..media.overlay import colours, draw_boxes, fitted
from ..media.video import spread_frames
from ..records import without_tags
from ..shards.config_names import split_order
from ..shards.frontmatter import join_card, split_card
from ..shards.manifest import Manifest
from ..shards.part_reader import read_part_shard
from ..shards.sampling import Picked, samples_in
from .assets import may_show
from .cards import card_front
from .published import PublishedFile
from .repository import Repository
from .tree_facts import TreeFacts, gather

SIDE = 256
"""Longest side of a picture, in pixels."""
MOST = 1000
"""Samples of each task, source and split, the first ones of the shuffled order."""
_GROUP = 500
"""Rows of a row group: some 8 MB, and the viewer takes 100."""
_MARK = "viewer_of"


def publish_viewer(tree: Path, repo: str, *, private: bool, say: Callable[[str], None]) -> str:
    """Publish the companion of a dataset; its name, empty where no picture of the tree may be shown.

    Args:
        tree: The tree that was published.
        repo: ``ORG/NAME`` of its dataset.
        private: Make a new companion private.
        say: Told what happens.

    Raises:
        SurgSigmaError: a dataset of that name is there and is none of these.
        PushError: the Hub refuses something or cannot be reached.
        ShardError: the tree is damaged.
    """
    facts, name = gather(tree), f"{repo}-viewer"
    with tempfile.TemporaryDirectory(prefix="surgsigma-viewer-") as folder:
        made = write_viewer(facts, Path(folder), repo=repo)
        if not made:
            say("No companion for the viewer: no image of this tree may be shown to everybody.")
            return ""
        files = [_file(Path(folder), path) for path in made]
        repository = Repository(name)
        state = repository.state()
        if state is None:
            repository.create(private=private)
            state = repository.state()
        if state is None:
            raise SurgSigmaError(f"{name}: was made and is not there", hint="Run the same command again.")
        if "README.md" in state.files:
            text = repository.read("README.md", state.commit).decode("utf-8", "replace")
            if split_card(text, where=name)[0].get(_MARK) != repo:
                raise SurgSigmaError(f"{name} is there already, and is not the companion of {repo}: it is left alone")
        new = [file for file in files if not state.holds(file)]
        gone = [p for p in state.files if p.startswith("data/") and p not in {file.place for file in files}]
        if new or gone:
            say(f"Companion for the viewer: {len(new):,} files")
            repository.commit(new, gone, f"Images of {repo}", parent=state.commit)
    return name


def write_viewer(facts: TreeFacts, folder: Path, *, repo: str) -> list[str]:
    """Write the companion into an empty folder; its files by place, none where nothing may be shown."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from datasets import Features, List, Value
    from datasets import Image as Picture

    text = Value("string")
    features = Features(
        picture=Picture(), question=text, answer=text, labels=List(text), reasoning=text, task=text, source=text,
        license=text, id=text,
    )  # fmt: skip
    places: list[str] = []
    shown = [m for m in facts.manifests if m.layout == "tasks" and m.members and may_show(facts, m.source)]
    for split in sorted({m.split for m in shown}, key=split_order):
        rows = (row for m in shown if m.split == split for row in islice(_rows(facts.tree, m), MOST))
        path = folder / "data" / f"{split}-00000.parquet"
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as file, pq.ParquetWriter(file, features.arrow_schema, write_page_index=True) as out:
            while group := list(islice(rows, _GROUP)):
                out.write_table(pa.Table.from_pylist(group, schema=features.arrow_schema))
        places.append(f"data/{split}-00000.parquet")
    if not places:
        return []
    front = {
        name: value for name, value in card_front(facts).items() if name in ("license", "license_name", "language")
    }
    configs = [{"config_name": "default", "data_files": [{"split": s[5:-14], "path": s} for s in places]}]
    body = (
        f"# Images of {repo}\n\nSmall images (at most {SIDE} px, boxes of the answer drawn in) and texts of the "
        f"first {MOST:,} samples of each part of [{repo}](https://huggingface.co/datasets/{repo}), for the viewer "
        "above. Train on that dataset, not on this one."
    )
    (folder / "README.md").write_bytes(join_card({**front, _MARK: repo, "configs": configs}, body))
    return [*places, "README.md"]


def _rows(tree: Path, manifest: Manifest) -> Iterator[dict[str, Any]]:
    for shard in manifest.shards:
        where = f"{manifest.folder}/{shard.name}"
        for _, members in read_part_shard(tree, manifest.folder, shard):
            for one in samples_in(members, where):
                yield _row(one)


def _row(one: Picked) -> dict[str, Any]:
    doc = one.doc
    said = [without_tags(turn["content"]) for turn in doc["messages"]]
    levels = [doc["reasoning"][level] for level in ("perceptual", "relational", "contextual")]
    return {
        "picture": {"bytes": _picture(one), "path": None},
        "question": said[0],
        "answer": said[1],
        "labels": doc["answer"]["labels"] or sorted({b["label"] for b in doc["answer"]["boxes"]}),
        "reasoning": "\n".join(filter(None, levels)),
        **{name: doc[name] for name in ("task", "source", "license", "id")},
    }


def _picture(one: Picked) -> bytes | None:
    """The input, small; None where there is none, or it cannot be read."""
    entry = next((m for m in one.doc["media"] if m["role"] == "input"), None)
    if entry is None:
        return None
    data = one.media[entry["member"]]
    try:
        if entry["kind"] == "video":
            image = Image.fromarray(spread_frames(data, 1, one.doc["id"])[0][1])
        else:
            image = decode_rgb(data, one.doc["id"])
    except MediaError:
        return None
    small = fitted(image, (SIDE, SIDE))
    boxes = one.doc["answer"]["boxes"]
    out = io.BytesIO()
    draw_boxes(small, boxes, colours(b["label"] for b in boxes)).save(out, "JPEG", quality=80)
    return out.getvalue()


def _file(folder: Path, place: str) -> PublishedFile:
    path = folder / place
    stat = path.stat()
    return PublishedFile(place, path, stat.st_size, stat.st_mtime_ns)
