"""The ``datasets`` builder behind :func:`surgsigma_hub.load_dataset`: flat, typed columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import datasets
import orjson
from datasets.builder import Key
from datasets.utils.file_utils import xopen

from ..errors import ShardError
from ..schema import FORMAT_VERSION, MEMBERS, check_format_version, json_features
from ..shards.reader import read_shard


def flat_features() -> datasets.Features:
    """Columns of every config: the fields of a sample, then its pictures and its films with their roles.

    Pictures sit in a list of structs because ``datasets`` decodes the first item of a plain list of images twice. Films
    stay bytes, so that no video library is needed to iterate.
    """
    return datasets.Features(
        {
            **json_features(),
            "images": datasets.List({"image": datasets.Image(), "role": datasets.Value("string")}),
            "videos": datasets.List({"video": datasets.Video(decode=False), "role": datasets.Value("string")}),
        }
    )


def flat_sample(key: str, members: dict[str, bytes], *, where: str) -> dict[str, Any]:
    """One sample of a shard as a row.

    Raises:
        ShardError: no JSON member, not one of ours, of a newer format version, or a medium is missing.
    """
    where = f"{where}: sample {key!r}"
    try:
        row: dict[str, Any] = orjson.loads(members["json"])
        version = row["format_version"]
    except (KeyError, TypeError, orjson.JSONDecodeError) as error:
        raise ShardError(f"{where} has no JSON member of this package ({error!r})") from None
    if version != FORMAT_VERSION:
        check_format_version(version, where=where)
    if missing := [name for name in json_features() if name not in row]:
        raise ShardError(f"{where} lacks {', '.join(missing)}", hint="Validate or rebuild the shard.")
    row["images"], row["videos"] = [], []
    for medium in row["media"]:
        member, role = medium["member"], medium["role"]
        kind = MEMBERS.get(member)
        if kind is None or member not in members:
            raise ShardError(f"{where} names the medium {member!r}, which is not in the tar")
        content = {"path": f"{key}.{member}", "bytes": members[member]}
        row[f"{kind}s"].append({kind: content, "role": role})
    return row


@dataclass
class FlatConfig(datasets.BuilderConfig):  # type: ignore[misc]
    """One config of a tree.

    Attributes:
        tars: Split name to its tars, as paths or ``hf://`` places.
        counts: Split name to samples and bytes.
        identity: See :class:`surgsigma_hub.hub.index.Index`.
    """

    tars: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    identity: str = ""


class SurgSigma(datasets.GeneratorBasedBuilder):  # type: ignore[misc]
    """Reads shards through the package's own reader; one ``datasets`` shard per tar."""

    BUILDER_CONFIG_CLASS = FlatConfig
    DEFAULT_WRITER_BATCH_SIZE = 100
    VERSION = datasets.Version(f"{FORMAT_VERSION}.0")

    def _info(self) -> datasets.DatasetInfo:
        splits = datasets.SplitDict(dataset_name=self.dataset_name)
        for name, (samples, size) in self.config.counts.items():
            splits.add(datasets.SplitInfo(name=name, num_bytes=size, num_examples=samples))
        return datasets.DatasetInfo(features=flat_features(), splits=splits)

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        local = dl_manager.download(self.config.tars)  # streaming: unchanged; else hf:// becomes files of the cache
        return [
            datasets.SplitGenerator(name=split, gen_kwargs={"tars": list(local[split]), "names": _names(tars)})
            for split, tars in self.config.tars.items()
        ]

    def _generate_shards(self, tars: list[str], names: list[str]) -> Iterator[str]:
        yield from tars

    def _generate_examples(self, tars: list[str], names: list[str]) -> Iterator[tuple[Key, dict[str, Any]]]:
        access = datasets.DownloadConfig(token=self.token)
        for shard, (tar, name) in enumerate(zip(tars, names, strict=True)):
            try:
                opened = xopen(tar, "rb", download_config=access)
            except FileNotFoundError:
                raise ShardError(
                    f"{name}: the tar is listed but not there", hint="Build or download this part of the tree again."
                ) from None
            with opened as file:
                for number, (key, members) in enumerate(read_shard(file, where=name)):
                    yield Key(shard, number), flat_sample(key, members, where=name)


def _names(tars: list[str]) -> list[str]:
    """``<task>/<source>/<tar>`` of each: what an error message shows, whatever the cache calls the file."""
    return ["/".join(PurePosixPath(tar.replace("\\", "/")).parts[-3:]) for tar in tars]
