"""The public calls that need more than one floor of the house: what there is, building a tree, enriching it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import SurgSigmaError, UnknownNameError
from .records import Fact
from .registry import all_sources, get_source, source_names
from .schema import chosen_layout
from .shards.config_names import FRAMES
from .shards.manifest import WORK_DIR
from .source import SourceInfo
from .tasks import Task, all_tasks
from .tasks.common.question_kinds import chosen_style

if TYPE_CHECKING:
    from .building.annotations_only import StripReport
    from .building.join import JoinReport
    from .building.repack import RepackReport
    from .building.report import BuildReport
    from .enrich.judge import Checker
    from .enrich.prompts import What
    from .enrich.report import EnrichReport


def list_sources() -> dict[str, SourceInfo]:
    """Metadata of every source by name."""
    return {name: source.info for name, source in all_sources().items()}


def list_tasks() -> dict[str, Task]:
    """Metadata of every task by name."""
    return all_tasks()


def offered_by(source: str) -> tuple[str, ...]:
    """Names of the tasks that the facts of a source allow.

    Raises:
        UnknownNameError: no such source.
    """
    info = get_source(source).info
    return tuple(task.name for task in all_tasks().values() if task.allowed_by(info))


def matrix() -> dict[str, tuple[str, ...]]:
    """For each source, the names of the tasks that its facts allow."""
    return {name: offered_by(name) for name in source_names()}


def build(
    source: str,
    *,
    root: Path | str | None = None,
    out: Path | str = "surgsigma",
    tasks: Sequence[str] | None = None,
    splits: Sequence[str] | None = None,
    workers: int = 1,
    engine: str = "processes",
    address: str | None = None,
    options: Mapping[str, str] | None = None,
    seed: int = 0,
    jpeg_quality: int = 92,
    shard_bytes: int = 256 * 2**20,
    clip_fps: float = 10.0,
    clip_side: int = 480,
    even_clips: bool = False,
    frame_side: int | None = None,
    joint: float = 0.2,
    explained: float = 0.2,
    style: str = "varied",
    layout: str = "tasks",
    split_policy: str = "official",
    smoke: float = 0.0,
    depth: Path | str | None = None,
    warrants: Path | str | None = None,
    max_quarantine: float = 0.05,
    dry_run: bool = False,
    pictures: bool = False,
    progress: bool = False,
) -> BuildReport:
    """Build one source into a published tree; a second call adds a second source.

    Without ``tasks`` and ``splits`` the tree afterwards holds of this source exactly what it yields now: what an
    earlier build put there and is gone from the source leaves the tree, see ``difference`` of the report. With them,
    what was not asked for is left standing, and named there.

    Args:
        source: Name of the source, see :func:`sources`.
        root: Folder of your copy of it; not needed for ``synthetic``.
        out: The tree to make or to add to.
        tasks: Task names; all that the source offers when empty.
        splits: Splits of the source's split scheme; all when empty.
        workers: Processes. The bytes of the tree do not depend on it. With more than one, a script needs the usual
            ``if __name__ == "__main__":`` guard.
        engine: ``processes`` of this machine, or ``ray`` or ``slurm``: a cluster that shares ``out`` and ``root`` under
            the same paths (extras ``[ray]`` and ``[slurm]``). The bytes of the tree do not depend on it either.
        address: Of the cluster. Of Ray ``HOST:PORT``; None: the one that this machine belongs to. Of Slurm
            ``PARTITION[,time=HH:MM:SS][,tasks=N][,memory=GB][,qos=NAME]``.
        options: Options of the source as strings, for example ``{"split_scheme": "challenge"}``.
        seed: Seeds the order of samples.
        jpeg_quality: 1..95, for frames that are no JPEG already or are made smaller.
        shard_bytes: Size near which shards are cut.
        clip_fps: Highest frame rate of clips; they keep every n-th frame of the footage, so that their rate is true.
        clip_side: Longest short side of clips in pixels.
        even_clips: Let clips begin up to a frame later, where what is said of them stays true, so that the number of
            their frames is even: readers by way of qwen-vl-utils leave a frame out of an odd number.
        frame_side: Longest short side of frames in pixels: larger ones are made smaller (bicubic, antialiased) and
            encoded at ``jpeg_quality``, their masks and depth maps with them; smaller ones stay byte for byte. None
            keeps every size.
        joint: Fraction (0..1) of training samples with two questions or several turns.
        explained: Fraction (0..1) of training samples whose answer also defines its labels.
        style: ``varied`` asks all kinds of question; ``paper`` asks plain open questions alone.
        layout: ``tasks`` stores a medium for each conversation; ``frames`` each medium once, with all that is asked
            about it. Tasks whose answer is a medium are in the layout by task either way.
        split_policy: ``official`` keeps the splits of the source; ``leak-free`` puts what any known benchmark tests on
            into ``test`` where the source would train on it, see :mod:`surgsigma_hub.source.benchmarks`.
        smoke: Fraction (0..1) of frames to pair with a smoky copy, for desmoking.
        depth: Folder of depth maps that a model made of this source, see ``surgsigma depth``.
        warrants: File of what traces may cite as typical, counted on this source, see ``surgsigma warrants``; None
            cites what comes with the package.
        max_quarantine: Share of left-out things (0..1) above which the tree is not changed and ``ok`` is False.
        dry_run: Read every annotation and check the footage, but decode no picture and write nothing: the report says
            what a build would make, see :mod:`surgsigma_hub.building.dry_run`.
        pictures: Draw the pictures and charts of the card too, as ``surgsigma card`` does.
        progress: Show progress bars on stderr.

    Returns:
        What was built and what was left out.

    Raises:
        SurgSigmaError: see :func:`surgsigma_hub.building.run.run_build`.
    """
    from .building.dry_run import run_dry
    from .building.engines import chosen_engine
    from .building.extra import Extra
    from .building.plan import Settings, choose_tasks, chosen_policy
    from .building.run import run_build
    from .building.scope import Scope
    from .building.warrants import own_rows
    from .hub.cards import illustrate, refresh

    kind = get_source(source)
    for name, value, low, high in (
        ("workers", workers, 1, 1024), ("jpeg_quality", jpeg_quality, 1, 95),
        ("shard_bytes", shard_bytes, 2**10, 2**40), ("max_quarantine", max_quarantine, 0, 1),
        ("clip_fps", clip_fps, 0.01, 240), ("clip_side", clip_side, 16, 2160),
        ("frame_side", frame_side, 16, 2160),
        ("joint", joint, 0, 1), ("explained", explained, 0, 1), ("smoke", smoke, 0, 1),
    ):  # fmt: skip
        if value is not None and not low <= value <= high:
            raise SurgSigmaError(f"{name}={value} is out of range, expected {low}..{high}")
    added = frozenset({Fact.CLEAN_IMAGE} if smoke else ()) | frozenset({Fact.DEPTH} if depth is not None else ())
    settings = Settings(
        source=source,
        root=Path(root).resolve() if root is not None and kind.info.needs_root else None,
        tasks=choose_tasks(source, tasks, added),
        splits=tuple(splits or ()),
        options=dict(options or {}),
        seed=seed,
        jpeg_quality=jpeg_quality,
        shard_bytes=shard_bytes,
        clip_fps=clip_fps,
        clip_side=clip_side,
        even_clips=even_clips,
        frame_side=frame_side,
        joint=joint,
        explained=explained,
        style=chosen_style(style),
        layout=chosen_layout(layout),
        split_policy=chosen_policy(split_policy),
        smoke=smoke,
        depth=None if depth is None else Path(depth).resolve(),
        warrants=own_rows(None if warrants is None else Path(warrants), source),
    )
    cluster = chosen_engine(engine, address=address, folder=Path(out).resolve() / WORK_DIR / "engine")
    Extra.of(settings)  # a wrong folder of depth maps is told before anything is read
    if dry_run:
        return run_dry(settings, workers=workers, max_quarantine=max_quarantine, progress=progress)
    return run_build(
        settings,
        scope=Scope(
            source,
            frozenset({*tasks, *((FRAMES,) if layout == FRAMES else ())}) if tasks else None,
            frozenset(splits) if splits else None,
        ),
        out=Path(out) if cluster is None else Path(out).resolve(),  # other nodes stand in other folders
        workers=workers,
        max_quarantine=max_quarantine,
        progress=progress,
        finish=illustrate if pictures else refresh,
        engine=cluster,
    )


def repack(
    tree: Path | str, *, out: Path | str, layout: str, workers: int = 1, progress: bool = False
) -> RepackReport:  # fmt: skip
    """Write a built tree in another layout; no conversation is lost or changed, and the way back gives the same bytes.

    Args:
        tree: The built tree; it is only read.
        out: The new tree, made whole or not at all. A run that was stopped goes on when it is asked for again.
        layout: ``frames``: each picture or clip once, with all that is asked about it. ``tasks``: a sample for each
            conversation. Tasks whose answer is a medium are laid out by task either way.
        workers: Processes. The bytes of the new tree do not depend on it.
        progress: Show progress bars on stderr.

    Raises:
        UnknownNameError: no such layout.
        SurgSigmaError: see :func:`surgsigma_hub.building.repack.repack`.
    """
    from .building.repack import repack
    from .hub.cards import refresh

    if not 1 <= workers <= 1024:
        raise SurgSigmaError(f"workers={workers} is out of range, expected 1..1024")
    return repack(
        Path(tree), Path(out), layout=chosen_layout(layout), workers=workers, progress=progress, finish=refresh
    )


def strip(
    tree: Path | str, *, out: Path | str, sources: Sequence[str] = (), workers: int = 1, progress: bool = False
) -> StripReport:
    """Write a built tree without its media: the same configs, names and features; :func:`join` completes it.

    Args:
        tree: The built tree; it is only read.
        out: The new tree, made whole or not at all.
        sources: Whose media are left out; of all when empty.
        workers: Processes. The bytes of the new tree do not depend on it.
        progress: Show progress bars on stderr.

    Raises:
        SurgSigmaError: see :func:`surgsigma_hub.building.annotations_only.strip_media`.
    """
    from .building.annotations_only import strip_media
    from .hub.cards import refresh

    return strip_media(Path(tree), Path(out), sources=sources, workers=workers, progress=progress, finish=refresh)


def join(
    source: str,
    *,
    media: Path | str,
    annotations: Path | str,
    out: Path | str = "surgsigma",
    options: Mapping[str, str] | None = None,
    workers: int = 1,
    progress: bool = False,
) -> JoinReport:
    """Complete an annotation-only tree from your own copy of a source: byte for byte the shards of a full build.

    Args:
        source: Name of the source.
        media: Your own copy, as :func:`build` would take it for ``root``.
        annotations: The folder of the annotation-only tree, or ``ORG/NAME`` (with ``@REVISION``) on the Hub.
        out: The new tree, made whole or not at all.
        options: How your copy differs from the usual, for example ``{"image_base": "1"}``.
        workers: Processes. The bytes of the new tree do not depend on it.
        progress: Show progress bars on stderr.

    Raises:
        SurgSigmaError: see :func:`surgsigma_hub.building.join.join_media`; or there is no such dataset.
    """
    from .building.join import join_media
    from .hub.cards import refresh
    from .hub.on_disk import on_disk

    get_source(source)
    with on_disk(annotations) as tree:
        return join_media(
            source, Path(media), tree, Path(out), options=options or {}, workers=workers, progress=progress,
            finish=refresh,
        )  # fmt: skip


def enrich_tree(
    tree: Path | str,
    *,
    out: Path | str,
    endpoint: str,
    model: str,
    api_key: str | None = None,
    what: Sequence[What] = ("caption", "reasoning"),
    tasks: Sequence[str] | None = None,
    splits: Sequence[str] | None = None,
    images: bool = False,
    parameters: Mapping[str, Any] | None = None,
    concurrency: int = 8,
    retries: int = 4,
    timeout: float = 120.0,
    backoff: float = 1.0,
    max_requests: int | None = None,
    max_tokens_total: int | None = None,
    deadline: float | None = None,
    cache: Path | str | None = None,
    checker: Checker | None = None,
    progress: bool = False,
) -> EnrichReport:
    """Write captions and reasoning traces of a built tree anew with a model; only text that a checker accepts counts.

    Args:
        tree: The built tree; it is only read.
        out: The new tree, made whole or not at all. Samples without accepted new text are as in ``tree``.
        endpoint: Base address of an OpenAI-compatible service, for example ``http://localhost:8000/v1``.
        model: A model that it serves.
        api_key: Sent as bearer token, stored nowhere.
        what: ``caption``, ``reasoning`` or both.
        tasks: Task names; all that have such text when empty.
        splits: Splits; all when empty.
        images: Send the input picture along.
        parameters: Fields of the request to set; None takes a field out.
        concurrency: Requests on their way at once.
        retries: Further tries of one request on rate limits, server errors, timeouts and lost connections.
        timeout: Seconds one try may take in all.
        backoff: Seconds before the first further try; doubles each time.
        max_requests: Requests that may be sent; the rest stays as it was.
        max_tokens_total: Tokens that may be used, as the endpoint counts them; the rest stays as it was.
        deadline: Seconds after which nothing is sent any more; the rest stays as it was.
        cache: Folder of answers; ``<out>.enrich/cache`` by default.
        checker: Compares text with facts; None takes the checker of reasoning traces.
        progress: Show progress bars on stderr.

    Returns:
        What was accepted, and what was left as it was and why.

    Raises:
        SurgSigmaError: see :func:`surgsigma_hub.enrich.run.enrich_tree`.
    """
    from .enrich.budget import Budget
    from .enrich.cache import AnswerCache
    from .enrich.client import Endpoint
    from .enrich.prompts import WHATS
    from .enrich.prompts import Settings as EnrichSettings
    from .enrich.run import enrich_tree, work_folder
    from .hub.cards import refresh

    for option, number, low, high in (
        ("concurrency", concurrency, 1, 1024), ("retries", retries, 0, 100), ("timeout", timeout, 0.01, 86400),
        ("max_requests", max_requests, 0, 10**12), ("max_tokens_total", max_tokens_total, 0, 10**15),
    ):  # fmt: skip
        if number is not None and not low <= number <= high:
            raise SurgSigmaError(f"{option}={number} is out of range, expected {low}..{high}")
    for name in what:
        if name not in WHATS:
            raise UnknownNameError("text", name, WHATS, where="what")
    settings = EnrichSettings(
        model=model,
        what=tuple(dict.fromkeys(what)),
        tasks=tuple(tasks or ()),
        splits=tuple(splits or ()),
        images=images,
        parameters=dict(parameters or {}),
    )
    where = Endpoint(
        url=endpoint, key=api_key, concurrency=concurrency, retries=retries, timeout=timeout, backoff=backoff
    )
    return enrich_tree(
        Path(tree),
        Path(out),
        settings,
        where,
        budget=Budget(max_requests=max_requests, max_tokens=max_tokens_total, seconds=deadline),
        cache=AnswerCache(Path(cache) if cache else work_folder(Path(out)) / "cache"),
        checker=checker,
        progress=progress,
        finish=refresh,
    )
