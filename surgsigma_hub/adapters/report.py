"""What an export says of itself: the report, and the note on licences that lies beside the files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..hub.markdown import code, plain
from ..registry import all_sources
from ..source import Part
from .base import REASONS
from .turns import conversations_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What was written and what was left out.

    Attributes:
        format: Name of the format.
        records: All of them.
        files: Records by file.
        tasks: Conversations by task; of media in turns a record has several.
        sources: Records by source.
        left_out: Samples that the format cannot express, by reason and then by task.
        media_files: Files of media, each once.
        media_bytes: Their bytes.
        how: What to tell the trainer.
        notes: What is true only with certain settings of the trainer.
        resumed: Whether an earlier run had been stopped.
        seconds: Time of this run; not part of what lies beside the files.
    """

    format: str
    records: int
    files: Mapping[str, int]
    tasks: Mapping[str, int]
    sources: Mapping[str, int]
    left_out: Mapping[str, Mapping[str, int]]
    media_files: int
    media_bytes: int
    how: str
    notes: Sequence[str] = ()
    resumed: bool = False
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    def published(self) -> dict[str, Any]:
        """The part that depends on the data and the options alone."""
        return {name: value for name, value in self.as_dict().items() if name not in ("resumed", "seconds")}


@dataclass(slots=True)
class Tally:
    """Counts that grow while an export runs, and survive a restart."""

    files: Counter[str] = field(default_factory=Counter)
    tasks: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    licenses: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, Counter[str]] = field(default_factory=dict)
    rates: tuple[float, float] | None = None
    odd: int = 0

    @property
    def records(self) -> int:
        """Records written."""
        return self.files.total()

    def wrote(self, sample: Mapping[str, Any], file: str, rates: Sequence[float] = (), *, odd: bool = False) -> None:
        """Count a record, in whose videos so many frames make a second, or one of which loses a frame."""
        self.odd += odd
        self.files[file] += 1
        self.tasks.update(one["task"] for one in conversations_of(sample))
        self.sources[sample["source"]] += 1
        self.licenses[sample["source"]] = sample["license"]
        seen = [*(self.rates or ()), *rates]
        self.rates = (min(seen), max(seen)) if seen else None

    def refused(self, sample: Mapping[str, Any], reason: str) -> None:
        """Count a sample that was left out."""
        self.left_out.setdefault(reason, Counter()).update(one["task"] for one in conversations_of(sample))

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "files": dict(self.files),
            "tasks": dict(self.tasks),
            "sources": dict(self.sources),
            "licenses": self.licenses,
            "left_out": {reason: dict(counts) for reason, counts in self.left_out.items()},
            "rates": self.rates,
            "odd": self.odd,
        }

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Tally:
        """From what :meth:`to_json` gave."""
        return cls(
            files=Counter(raw["files"]),
            tasks=Counter(raw["tasks"]),
            sources=Counter(raw["sources"]),
            licenses=dict(raw["licenses"]),
            left_out={reason: Counter(counts) for reason, counts in raw["left_out"].items()},
            rates=tuple(raw["rates"]) if raw["rates"] else None,
            odd=raw.get("odd", 0),  # exports that were begun before these were counted go on
        )


def ordered(counts: Mapping[str, int]) -> dict[str, int]:
    """By name."""
    return dict(sorted(counts.items()))


def why(reason: str) -> str:
    """A reason in words."""
    return REASONS.get(reason, reason)


def way_out(left_out: Collection[str], talk: str | None, *, media: bool) -> str:
    """What to choose instead, where every sample was left out.

    Args:
        left_out: The reasons.
        talk: As of an export.
        media: Whether answers of the format are media.
    """
    if media and talk is not None:
        return "Leave --talk out: tasks whose answer is an image or a video are laid out by task."
    if talk == "turns" and "turns" in left_out:
        return "One conversation a record is what --talk one or all gives."
    if set(left_out) <= {"target", "no_target"}:
        return (
            "Choose other tasks, or the format diffusers for images as answers, cosmos for videos, another for texts; "
            "of a tree laid out by medium, --talk one, all or turns reads what is said of images."
        )
    return "Choose other tasks or options: boxes, videos as files or frames, traces."


def licenses_note(tally: Tally) -> str:
    """LICENSES.md of an export: whose data it holds and under which terms."""
    known = all_sources()
    parts = [
        "# Licences by source",
        "Records and media are under the terms of the source that they come from; each record's id begins with the "
        "name of its source. The wordings that the package's templates add are under its own licence (MIT).",
    ]
    for name, count in sorted(tally.sources.items()):
        text = f"Licence: {code(tally.licenses[name])}. {count:,} record{'' if count == 1 else 's'}."
        info = known[name].info if name in known else None
        if info is not None:
            said = "may" if info.terms.publishes(Part.MEDIA) else "may not"
            text += (
                f"\n\nAccess ({info.access.value}): {info.access_steps} <{info.homepage}>\n\n"
                f"Images and videos of it {said} be passed on."
            )
        else:
            text += "\n\nThis version of the package has no loader of that name: ask whoever built the tree."
        parts += [f"## {plain(info.title if info is not None else name)} ({code(name)})", text]
    return "\n\n".join(parts) + "\n"
