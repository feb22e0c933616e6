"""The ``datasets`` builder behind :func:`surgsigma_hub.load_dataset`: flat, typed columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import datasets
import orjson
from datasets.builder import Key
from PIL import Image

from ..conformance import form_problem
from ..errors import MediaError, ShardError
from ..media.image import pillow_words
from ..records import without_tags
from ..schema import FORMAT_VERSION, MEMBERS, Layout, check_format_version, json_features
from ..shards.skipping import OnError, Skipped
from ..shards.tar_index import Members
from .block_ranges import ReadShard, find_block_ranges, manifest_place, read_group, single_blocks, split_evenly
from .resuming import Resumable

_TURN = ("user", "assistant", "task", "id")


class TreeImage(datasets.Image):  # type: ignore[misc]
    """The feature of ``datasets``, whose decoding ends in an error of ours where Pillow cannot read a picture.

    Equal to its base, so that datasets of several origins can be joined.
    """

    def decode_example(self, value: Any, token_per_repo_id: Any = None) -> Any:
        """See the base.

        Raises:
            MediaError: no picture, a damaged one, or one of too many pixels.
        """
        try:
            return super().decode_example(value, token_per_repo_id)
        except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
            name = value.get("path") if isinstance(value, dict) else None
            raise MediaError(f"{name or 'an image'}: not a readable image ({pillow_words(error)})") from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, datasets.Image) and (self.mode, self.decode) == (other.mode, other.decode)

    def __hash__(self) -> int:
        return hash((self.mode, self.decode))


def flat_features(layout: Layout = "tasks") -> datasets.Features:
    """Columns of a config: the fields of a sample, then its pictures and its clips with their roles.

    In the layout by medium, ``texts`` stands for the conversations: the form that collections of pictures with several
    questions each have in common.

    Pictures sit in a list of structs because ``datasets`` decodes the first item of a plain list of images twice. Clips
    stay bytes, so that no video library is needed to iterate.
    """
    columns = json_features(layout)
    if columns.pop("conversations", None):
        columns["texts"] = datasets.List({name: datasets.Value("string") for name in _TURN})
    return datasets.Features(
        {
            **columns,
            "images": datasets.List({"image": TreeImage(), "role": datasets.Value("string")}),
            "videos": datasets.List({"video": datasets.Video(decode=False), "role": datasets.Value("string")}),
        }
    )


def _texts(conversations: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, str]]:
    """Question and answer of every turn; the media stand in columns of their own, not as tags in the text."""
    for talk in conversations:
        said = [without_tags(message["content"]) for message in talk["messages"]]
        for user, assistant in zip(said[::2], said[1::2], strict=True):
            yield {"user": user, "assistant": assistant, "task": talk["task"], "id": talk["id"]}


def flat_sample(found: Members, *, layout: Layout = "tasks", verify: bool = False) -> dict[str, Any]:
    """One sample of a shard as a row.

    Args:
        found: Its members.
        layout: Of the shard.
        verify: Compare each medium with the sha256 that the JSON names.

    Raises:
        ShardError: the JSON is not one of ours or of a newer format version, or a medium is missing or damaged.
    """
    where = f"{found.where}: sample {found.key!r}"
    try:
        row: dict[str, Any] = orjson.loads(found.json)
        version = row["format_version"]
    except (KeyError, TypeError, orjson.JSONDecodeError) as error:
        raise ShardError(f"{where} has no JSON member of this package ({error!r})") from None
    if version != FORMAT_VERSION:
        check_format_version(version, where=where)
    if problem := form_problem(row, layout=layout):
        raise ShardError(f"{where}: {problem}", hint="Validate or rebuild the shard.")
    if layout == "frames":
        row["texts"] = list(_texts(row.pop("conversations")))
    row["images"], row["videos"] = [], []
    for medium in row["media"]:
        member, role = medium["member"], medium["role"]
        kind = MEMBERS.get(member)
        if kind is None or member not in found.media:
            raise ShardError(f"{where} names the medium {member!r}, which is not in the tar")
        data = bytes(found.media[member])
        if verify and sha256(data).hexdigest() != medium["sha256"]:
            raise ShardError(f"{where}: medium {member!r} is not what it was when it was written (sha256)")
        row[f"{kind}s"].append({kind: {"path": f"{found.key}.{member}", "bytes": data}, "role": role})
    return row


@dataclass
class FlatConfig(datasets.BuilderConfig):  # type: ignore[misc]
    """One config of a tree.

    Attributes:
        tars: Split name to its tars, as paths or ``hf://`` places.
        counts: Split name to samples and bytes.
        identity: See :class:`surgsigma_hub.hub.index.Index`.
        shards: How many shards ``datasets`` sees; None: one for each tar.
        on_error: ``raise``, or ``skip`` samples that cannot be read.
        max_errors_in_row: More bad samples than this, one after the other, are an error all the same.
        layout: Of the shards.
    """

    tars: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    identity: str = ""
    shards: int | None = None
    on_error: OnError = "raise"
    max_errors_in_row: int = 32
    layout: Layout = "tasks"


class SurgSigma(datasets.GeneratorBasedBuilder):  # type: ignore[misc]
    """Reads shards block by block; one ``datasets`` shard a tar, or as many as ``shards`` says."""

    BUILDER_CONFIG_CLASS = FlatConfig
    DEFAULT_WRITER_BATCH_SIZE = 100
    VERSION = datasets.Version(f"{FORMAT_VERSION}.0")

    def _info(self) -> datasets.DatasetInfo:
        splits = datasets.SplitDict(dataset_name=self.dataset_name)
        for name, (samples, size) in self.config.counts.items():
            splits.add(datasets.SplitInfo(name=name, num_bytes=size, num_examples=samples))
        return datasets.DatasetInfo(features=flat_features(self.config.layout), splits=splits)

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        made = []
        for split, tars in self.config.tars.items():
            places = sorted({manifest_place(tar) for tar in tars})
            # Streaming leaves places as they are; else hf:// becomes files of the cache.
            opened, manifests = dl_manager.download([list(tars), places])
            pieces = find_block_ranges(tars, opened, dict(zip(places, manifests, strict=True)), token=self.token)
            shards = self.config.shards
            groups: list[ReadShard] = split_evenly(pieces, shards) if shards else [(piece,) for piece in pieces]
            made.append(datasets.SplitGenerator(name=split, gen_kwargs={"groups": groups}))
        return made

    def _generate_shards(self, groups: list[ReadShard]) -> Iterator[str]:
        yield from (" ".join(piece.tar for piece in group) for group in groups)

    def _generate_more_gen_kwargs(self, groups: list[ReadShard]) -> Iterator[dict[str, list[ReadShard]]]:
        for group in groups:
            yield {"groups": single_blocks(group)}

    def _generate_examples(self, groups: list[ReadShard], first: int = 0) -> Iterator[tuple[Key, dict[str, Any]]]:
        skipped = Skipped(self.config.on_error, self.config.max_errors_in_row)
        for shard, group in enumerate(groups):
            for number, found in read_group(group, first=first, token=self.token, skipped=skipped):
                try:
                    # A damaged picture must not reach `datasets`, which would end the run when it decodes it.
                    row = flat_sample(found, layout=self.config.layout, verify=skipped.on_error == "skip")
                except ShardError as error:
                    skipped.bad(error, found.where)
                else:
                    skipped.in_a_row = 0
                    yield Key(shard, number), row
            first = 0

    def _get_examples_iterable_for_split(self, split_generator: Any) -> Any:
        return Resumable(
            self._generate_examples,
            split_generator.gen_kwargs,
            generate_more_kwargs_fn=self._generate_more_gen_kwargs,
        )
