"""What a tree offers, read without touching a tar: from the manifests of a folder, or from a card (Hub or pointer)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ..errors import ShardError, SurgSigmaError, UnknownNameError
from ..shards.config_names import FRAMES
from ..shards.frontmatter import check_ours, read_card, split_card
from ..shards.manifest import load_tree
from ..shards.manifest_checks import NAME
from .configs import make_configs
from .remote import fetch_card, glob_hub

DEFAULT_TREE = "surgsigma"
"""Folder that a build writes to and that loading looks for when no other is named."""

_REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_HUB = "hf://datasets/"
_CONFIG = re.compile(rf"{NAME.pattern}(-{NAME.pattern})?")


@dataclass(frozen=True, slots=True)
class IndexSplit:
    """One split: places of its tars (absolute paths or ``hf://``; globs still in them) and its number of samples."""

    patterns: tuple[str, ...]
    samples: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Index:
    """The configs of a tree, the default one first.

    Attributes:
        where: The tree as error messages name it.
        identity: Changes whenever the tars may have changed; keys the cache of ``datasets``.
    """

    where: str
    configs: Mapping[str, Mapping[str, IndexSplit]]
    default: str
    identity: str

    def config(self, name: str | None) -> str:
        """``name`` if there is such a config, the default for None.

        Raises:
            UnknownNameError: with the closest known names.
            SurgSigmaError: a task or source of a tree whose pictures are laid out by medium.
        """
        if name is None:
            return self.default
        if name not in self.configs:
            if FRAMES in self.configs and not get_close_matches(name, self.configs, n=1, cutoff=0.9):
                raise SurgSigmaError(
                    f"{self.where}: no config {name!r}; here each image lies once, with all that is asked about it",
                    hint=f"Load {FRAMES!r}, or stream(..., {name!r}, talk='all'). Configs: {', '.join(self.configs)}.",
                )
            raise UnknownNameError("config", name, self.configs, where=self.where)
        return name

    def check_split(self, config: str, split: str) -> None:
        """Refuse a split expression that names a split the config does not have.

        Raises:
            UnknownNameError: with the closest known names.
        """
        known = self.configs[config]
        for part in split.split("+"):
            name = part.strip().partition("[")[0].partition("(")[0]
            if name != "all" and name not in known:
                raise UnknownNameError("split", name, known, where=f"config {config!r} of {self.where}")

    def tars(self, config: str, splits: Sequence[str], *, token: str | bool | None = None) -> dict[str, list[str]]:
        """Every tar of some splits in reading order, globs resolved.

        Raises:
            ShardError: a place that holds no tar.
        """
        patterns = [(split, place) for split in splits for place in self.configs[config][split].patterns]
        globs = list(dict.fromkeys(place for _, place in patterns if place.startswith("hf://")))
        hits = dict(zip(globs, glob_hub(globs, token=token), strict=True))
        found: dict[str, list[str]] = {split: [] for split in splits}
        for split, place in patterns:
            there = hits.get(place, [place])
            if not there:
                raise ShardError(
                    f"{self.where}: config {config!r} names {place}, but nothing is there",
                    hint="The dataset was published in part, or changed since; load it again or report it.",
                )
            found[split] += there
        return found


def open_index(
    path: str | Path | None = None, *, revision: str | None = None, token: str | bool | None = None
) -> Index:
    """The index of a tree.

    Args:
        path: A folder that holds a built tree or a pointer card, or ``ORG/NAME`` on the Hub. None: ``./surgsigma``.
        revision: Branch, tag or commit of a dataset on the Hub.
        token: As in ``huggingface_hub``.

    Raises:
        SurgSigmaError: neither such a folder nor such a dataset, or not a tree of ours.
    """
    text = str(path) if path is not None else DEFAULT_TREE
    folder = Path(text).expanduser()
    if folder.is_dir():
        if revision is not None:
            raise SurgSigmaError(
                f"revision {revision!r} was given, but {text} is a folder on this machine",
                hint="Leave revision out, or name a dataset on the Hub as ORG/NAME.",
            )
        return _folder_index(folder, text)
    repo = text.removeprefix(_HUB)
    if not isinstance(path, Path) and _REPO.fullmatch(repo):
        card = fetch_card(repo, revision=revision, token=token)
        where = f"{repo} (revision {card.sha[:12]})"
        return card_index(card.text, base=f"{_HUB}{repo}@{card.sha}/", where=where)
    raise SurgSigmaError(
        f"{text}: there is no such folder here, and it is not of the form ORG/NAME of a dataset on the Hub",
        hint="Build a tree (surgsigma build --help), make a pointer card (surgsigma init --repo ORG/NAME), "
        "or load ORG/NAME.",
    )


def _folder_index(folder: Path, where: str) -> Index:
    card = folder / "README.md"
    if not any(folder.glob("data/*/*/*.manifest.json")) and card.is_file():
        return card_index(read_card(card, where=where), base=None, where=where)
    # The manifests, not the card, so that a card from before the last build cannot mislead.
    base = folder.resolve()
    digest = hashlib.sha256()
    configs: dict[str, dict[str, IndexSplit]] = {}
    manifests = load_tree(folder)
    made = make_configs(manifests)
    for config in made:
        configs[config.name] = {
            s.name: IndexSplit(tuple(str(base / tar) for tar in s.tars), s.samples, s.bytes) for s in config.splits
        }
    for manifest in sorted(manifests, key=lambda m: m.path):
        for shard in manifest.shards:
            digest.update(f"{manifest.folder}/{shard.name} {shard.sha256}\n".encode())
    return Index(where, configs, made[0].name, digest.hexdigest())


def card_index(text: str, *, base: str | None, where: str) -> Index:
    """From a card. ``base`` goes before relative patterns; None for a folder, where only ``hf://`` ones make sense."""
    front, _ = split_card(text, where=where)
    check_ours(front, where=where)
    configs: dict[str, dict[str, IndexSplit]] = {}
    default = ""
    try:
        counts = {_name(info["config_name"]): _counts(info) for info in front.get("dataset_info") or []}
        for entry in front["configs"]:
            name, splits = _name(entry["config_name"]), dict[str, IndexSplit]()
            for part in entry["data_files"]:
                paths = [part["path"]] if isinstance(part["path"], str) else list(part["path"])
                split = _name(part["split"])
                samples, size = counts[name][split]
                places = tuple(_place(path, base, where) for path in paths)
                splits[split] = IndexSplit(places, samples, size)
            configs[name] = splits
            default = default or (name if entry.get("default") else "")
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ShardError(
            f"{where}: the configs of the card are not as this package writes them ({str(error)[:200]})"
        ) from None
    if not configs:
        raise ShardError(f"{where}: the card lists no config")
    identity = hashlib.sha256(repr((base, front["configs"])).encode()).hexdigest()
    return Index(where, configs, default or next(iter(configs)), identity)


def _counts(info: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    return {_name(s["name"]): (_count(s["num_examples"]), _count(s["num_bytes"])) for s in info["splits"]}


def _name(value: Any) -> str:
    """The name of a config or split; ValueError for what a build does not give."""
    if not isinstance(value, str) or not _CONFIG.fullmatch(value):
        raise ValueError("a config or split without a name of a-z, 0-9, _ and one dash")
    return value


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 53:
        raise ValueError("a number of samples or bytes that is none")
    return value


def _place(pattern: str, base: str | None, where: str) -> str:
    if base is None and pattern.startswith(_HUB):
        return pattern
    if base is None:
        raise ShardError(
            f"{where}: the card names {pattern}, but the folder holds no manifest",
            hint="The tree was copied in part, or its build has not ended; copy it again or run the build again.",
        )
    if "://" in pattern or pattern.startswith("/") or ".." in pattern.split("/"):
        raise ShardError(f"{where}: the card names {pattern!r}, which is not a path inside the dataset")
    return base + pattern
