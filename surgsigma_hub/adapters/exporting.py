"""From a tree to the files of a trainer: constant memory, nothing half done, and a stopped run goes on."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from tqdm import tqdm

from ..errors import BuildError, SurgSigmaError, UnfitError
from ..shards.lock import only_writer
from ..streaming import stream
from ..temporary import remove_leftovers
from ..whole_files import write_atomic, write_json
from .base import Adapter, Options
from .files import MediaFiles, Plan, RecordFiles, digest, finish
from .media import loses_frame
from .note import Written, notes
from .report import ExportReport, Tally, licenses_note, ordered, way_out, why
from .turns import conversations_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..streaming import Stream, StreamSample
    from ..streaming.selection.dataset import Config
    from ..streaming.selection.talk_dataset import Talk

REPORT = "export.json"
"""Lies beside finished files and says what they are; a folder without it is not a whole export."""
_WORK = ".export"
_STATE = "state.json"
_VERSION = 1
_EVERY = 256
"""Samples between two states on disk: what a restart does again at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is exported; two exports of one choice are equal byte for byte.

    Attributes:
        config: As for ``surgsigma_hub.streaming``.
        weights: Shares of configs in place of ``config``, as of a mixture that is streamed: what is used up before the
            others comes again. None: every sample once.
        talk: As for ``surgsigma_hub.streaming``: of what is laid out by medium, what a record is of.
        per_task: Most samples of a task, those with which the order begins; None: no bound.
        split: Likewise.
        where: Likewise.
        seed: Of the order, which mixes tasks and sources; it does not depend on where the tree is.
        limit: Most records; None: no bound.
        part: ``(number, of)``: the samples number, number + of, ... of all, counted from 1.
        prefix: What stands before the paths of media in the records, such as a folder that ends with ``/``.
    """

    config: str | tuple[str, ...] | None = None
    weights: Mapping[str, float] | None = None
    talk: Talk | None = None
    per_task: int | None = None
    split: str = "train"
    where: Mapping[str, Any] | None = None
    seed: int = 0
    limit: int | None = None
    part: tuple[int, int] = (1, 1)
    prefix: str = ""

    def mixture(self) -> Config:
        """What is streamed.

        Raises:
            SurgSigmaError: choices that do not go together.
        """
        if self.talk is not None and self.per_task is not None:
            raise SurgSigmaError(
                "no bound for each task goes with talk: a record is then of a medium, about which several tasks speak",
                hint="Bound all records with --limit, or choose or weight the configs (--weights NAME=WEIGHT,...).",
            )
        if self.weights is None:
            return list(self.config) if isinstance(self.config, tuple) else self.config
        if self.config is not None or self.per_task is not None:
            raise SurgSigmaError(
                "weights name the configs themselves, and no bound a task goes with them",
                hint="Give the configs by --weights alone, as NAME=WEIGHT,NAME=WEIGHT.",
            )
        return dict(self.weights)


def export(
    tree: str | Path,
    adapter: Adapter,
    *,
    out: Path | str,
    options: Options | None = None,
    choice: Choice | None = None,
    revision: str | None = None,
    progress: bool = False,
) -> ExportReport:
    """Write the records of a tree, and the media that they name, for trainers that read files.

    Args:
        tree: A folder with a built tree, ``ORG/NAME`` on the Hub, or a URL.
        adapter: The format.
        out: Folder to write. A run that was stopped goes on when it is asked for again.
        options: What a record is like.
        choice: Which samples.
        revision: Branch, tag or commit of a dataset on the Hub.
        progress: Show a progress bar on stderr.

    Returns:
        What was written, and what was left out and why.

    Raises:
        BuildError: ``out`` holds something else, or another export.
        UnknownNameError: no such config, split, filter or form.
        ShardError: a damaged tree.
        MediaError: a clip whose frames cannot be read.
        SurgSigmaError: nothing was left to export.
    """
    started = time.monotonic()
    out, options, choice = Path(out), options or Options(), choice or Choice()
    adapter.ready(options)
    number, of = choice.part
    if not 1 <= number <= of:
        raise SurgSigmaError(f"part {number} of {of}", hint="Expected a number from 1 up to the number of parts.")
    source = stream(
        tree, choice.mixture(), talk=choice.talk, split=choice.split, where=choice.where, caps=choice.per_task,
        seed=choice.seed, shuffle="block", decode="bytes", verify=True, rank=number - 1, world_size=of,
        revision=revision,
    )  # fmt: skip
    with source:
        asked = _asked(source, adapter, options, choice)
        done = _look(out, asked)
        if done is not None:
            return done
        with only_writer(out / _WORK, shown=out, work="export"):
            run = _Run(source, adapter, options, choice, out, asked)
            report = run.write(progress)
            shutil.rmtree(out / _WORK, ignore_errors=True)
    return replace(report, seconds=time.monotonic() - started)


def _asked(source: Stream, adapter: Adapter, options: Options, choice: Choice) -> dict[str, Any]:
    """What makes two exports the same, as JSON."""
    chosen = asdict(replace(choice, where=None))  # the filter is part of the data
    if choice.talk is None:
        del chosen["talk"]  # exports that were begun before there was a choice go on
    wanted = {**asdict(options), "boxes": asdict(adapter.boxes(options)), "video": adapter.ready(options)}
    return {
        "export": _VERSION,
        "format": adapter.name,
        "data": source.state_dict()["data"],
        "options": digest([wanted, chosen]),
    }


def _look(out: Path, asked: Mapping[str, Any]) -> ExportReport | None:
    """The report of a finished export that is the one asked for.

    Raises:
        BuildError: something else is there.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return None
    hint = "Give another folder with --out, or remove this one."
    if not out.is_dir() or not ((out / REPORT).is_file() or (out / _WORK).is_dir()):
        raise BuildError(f"{out} exists and is no export of this package", hint=hint)
    for path in (out / REPORT, out / _WORK / _STATE):
        if not path.is_file():
            continue
        try:
            found = orjson.loads(path.read_bytes())
            same = found["asked"] == dict(asked)
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise BuildError(f"{path} is damaged", hint=hint) from None
        if not same:
            raise BuildError(f"{out} holds another export: other data, format or options", hint=hint)
        if path.name == REPORT:  # written last
            shutil.rmtree(out / _WORK, ignore_errors=True)
            return ExportReport(**found["report"])
    return None


class _Run:
    """One run of one export."""

    def __init__(
        self, source: Stream, adapter: Adapter, options: Options, choice: Choice, out: Path, asked: Mapping[str, Any]
    ) -> None:
        self._source, self._adapter, self._options, self._choice = source, adapter, options, choice
        self._out, self._work, self._asked = out, out / _WORK, dict(asked)
        self._media = MediaFiles(out, choice.prefix)
        self._form = adapter.ready(options)
        self._tally, self._sizes, self._ended, self._resumed = Tally(), dict[str, int](), False, False
        self._restore()

    def _restore(self) -> None:
        path = self._work / _STATE
        if not path.is_file():
            return
        raw = orjson.loads(path.read_bytes())
        self._tally, self._sizes, self._ended = Tally.of(raw["tally"]), dict(raw["sizes"]), raw["ended"]
        self._source.load_state_dict(raw["stream"])
        self._resumed = True

    def _save(self, sizes: Mapping[str, int], *, ended: bool = False) -> None:
        self._sizes = dict(sizes)
        state = {
            "asked": self._asked,
            "stream": self._source.state_dict(),
            "sizes": self._sizes,
            "tally": self._tally.to_json(),
            "ended": ended,
        }
        write_atomic(self._work / _STATE, orjson.dumps(state))

    def write(self, progress: bool) -> ExportReport:
        """All of it, from where an earlier run stood."""
        if not self._ended:
            with RecordFiles(self._work, self._adapter.suffix, self._sizes) as files:
                self._save(files.sizes())
                self._records(files, progress)
                self._save(files.sizes(), ended=True)
        if not self._tally.records:
            reasons = "; ".join(f"{why(reason)} ({counts.total():,})" for reason, counts in self._left_out())
            shutil.rmtree(self._work)
            raise SurgSigmaError(
                f"no sample of these can be written as {self._adapter.name}: {reasons}",
                hint=way_out(self._tally.left_out, self._choice.talk, media=bool(self._adapter.targets)),
            )
        finish(self._work, self._out, self._sizes, self._adapter.columns)
        return self._describe()

    def _records(self, files: RecordFiles, progress: bool) -> None:
        done = self._source.share().start // self._choice.part[1]
        since = 0
        with _bar(len(self._source), done, progress) as bar:
            limit = self._choice.limit
            if limit is not None and self._tally.records >= limit:
                return
            for item in self._source:
                try:
                    self._adapter.look(item.sample)
                    plan = self._plan(item)
                    record = self._adapter(item.sample, plan.paths, self._options)
                except UnfitError as error:
                    self._tally.refused(item.sample, error.reason)
                else:
                    plan.write()
                    if self._adapter.beside is not None:
                        self._media.beside(self._adapter.beside(record))
                    stem = self._stem(record)
                    rates = plan.rates if self._adapter.clocked else ()
                    self._tally.wrote(item.sample, files.add(stem, record), rates, odd=self._odd(item))
                bar.update(1)
                since += 1
                if limit is not None and self._tally.records >= limit:
                    break
                if since == _EVERY:
                    self._save(files.sizes())
                    since = 0

    def _plan(self, item: StreamSample) -> Plan:
        adapter = self._adapter
        timed = any(map(adapter.timed, conversations_of(item.sample)))
        return self._media.plan(
            item.sample, item.media, form=self._form, frames=self._options.frames, timed=timed,
            targets=bool(adapter.targets), place=adapter.place,
        )  # fmt: skip

    def _odd(self, item: StreamSample) -> bool:
        """Whether the trainer leaves a frame of one of its videos out."""
        clips = [medium for medium in item.sample["media"] if medium["kind"] == "video"]
        read = clips if self._adapter.pairs(self._options) else []
        return any(loses_frame(clip["num_frames"], clip["fps"]) for clip in read)

    def _stem(self, record: Mapping[str, Any]) -> str:
        if self._adapter.stem is not None:
            return self._adapter.stem
        part = self._adapter.part(record) if self._adapter.part is not None else ""
        return f"{self._choice.split}-{part}" if part else self._choice.split

    def _left_out(self) -> list[tuple[str, Any]]:
        return sorted(self._tally.left_out.items())

    def _describe(self) -> ExportReport:
        """What lies beside the records; the report last."""
        remove_leftovers(self._out)
        tally, adapter = self._tally, self._adapter
        names = {file: self._name(file) for file in sorted(tally.files)}
        if adapter.info is not None:
            entries = {name: adapter.info(file, self._options) for file, name in names.items()}
            write_json(self._out / "dataset_info.json", entries)
        write_atomic(self._out / "LICENSES.md", licenses_note(tally).encode())
        count, size = self._media.count()
        written = Written(
            names=names,
            family=self._options.family,
            boxes=adapter.boxes(self._options),
            rates=tally.rates,
            odd=tally.odd,
        )
        report = ExportReport(
            format=adapter.name,
            records=tally.records,
            files=ordered(tally.files),
            tasks=ordered(tally.tasks),
            sources=ordered(tally.sources),
            left_out={reason: ordered(counts) for reason, counts in self._left_out()},
            media_files=count,
            media_bytes=size,
            how=adapter.how(written),
            notes=[] if adapter.targets else notes(written, adapter.trainer, adapter.rate),
        )
        write_json(self._out / REPORT, {"asked": self._asked, "report": report.published()})
        return replace(report, resumed=self._resumed)

    def _name(self, file: str) -> str:
        """What a trainer that lists its data sets calls this one."""
        config = self._choice.config
        words = [config] if isinstance(config, str) else list(config or self._choice.weights or ("all",))
        return "_".join(["surgsigma", *words, Path(file).stem]).replace("-", "_").replace("+", "_")


@contextmanager
def _bar(total: int, done: int, progress: bool) -> Iterator[Any]:
    with tqdm(total=total, initial=done, desc="export", unit="sample", disable=not progress, file=sys.stderr) as bar:
        yield bar


def chosen(configs: Sequence[str]) -> str | tuple[str, ...] | None:
    """Names of configs from a command line, as :class:`Choice` holds them."""
    return tuple(configs) if len(configs) > 1 else configs[0] if configs else None
