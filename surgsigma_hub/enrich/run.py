"""One run: read, ask, judge, write. Killed at any moment, it goes on from its cache when run again."""

from __future__ import annotations

import hashlib
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import orjson
from tqdm import tqdm

from ..building.copying import copy_rest
from ..building.new_tree import check_apart
from ..errors import BuildError, ShardError, SurgSigmaError
from ..shards.lock import only_writer
from ..shards.manifest import Manifest, load_tree
from ..whole_files import write_json
from .asking import Asked, ask_all, asks_in, chosen, distinct
from .budget import Budget
from .cache import AnswerCache
from .client import Client, Endpoint
from .judge import Checker
from .prompts import PROMPT_VERSION, Ask, Settings, shown_messages
from .report import EnrichReport, Estimate, Tally
from .rewriting import Answers, rewrite_part

REPORT = "reports/enrich.json"
"""Where the new tree keeps how it came about; marks it as one that may be replaced by a further run."""


def work_folder(out: Path) -> Path:
    """Where a run keeps unfinished work, and its cache unless told otherwise: beside the new tree."""
    return Path(f"{out.resolve()}.enrich")


def estimate(tree: Path, settings: Settings, *, cache: AnswerCache) -> Estimate:
    """What a run would ask for; sends and writes nothing.

    Raises:
        SurgSigmaError: see :func:`enrich_tree`.
    """
    manifests = chosen(load_tree(tree), settings)
    samples = requests = cached = tokens = 0
    example: Ask | None = None

    def asks() -> Iterator[Ask]:
        nonlocal samples
        for some in asks_in(tree, manifests, settings):
            samples += 1
            yield from some

    for ask in distinct(asks()):
        requests += 1
        example = example or ask
        if cache.get(ask.digest) is not None:
            cached += 1
        else:
            tokens += ask.tokens
    if example is None:
        raise _nothing()
    return Estimate(
        samples=samples, requests=requests, cached=cached, tokens=tokens, example=tuple(shown_messages(example))
    )


def enrich_tree(
    tree: Path,
    out: Path,
    settings: Settings,
    endpoint: Endpoint,
    *,
    budget: Budget,
    cache: AnswerCache,
    checker: Checker | None,
    progress: bool,
    finish: Callable[[Path], None],
) -> EnrichReport:
    """Write ``out``: the tree with every text that the endpoint wrote anew and the checker accepted.

    Args:
        tree: The built tree; it is only read.
        out: The new tree; made whole or not at all. One that an earlier run made of the same tree is replaced.
        settings: What to ask for.
        endpoint: Whom to ask.
        budget: What may be spent; once it is, the rest stays as it was.
        cache: Where answers are kept.
        checker: Compares text with facts; None takes the checker of reasoning traces.
        progress: Whether to show progress bars.
        finish: Called with the unfinished new tree: writes what describes it.

    Raises:
        EndpointError: the endpoint cannot be used; answers so far are kept.
        ShardError: the tree is damaged, or there is none.
        BuildError: ``out`` cannot be written, or holds something else.
        UnknownNameError: a task or split that the tree does not hold.
    """
    started = time.monotonic()
    everything = load_tree(tree)
    manifests = chosen(everything, settings)
    source = _digest(everything)
    _check_out(tree, out, source)
    work = work_folder(out)
    with only_writer(work, shown=out, work="run"), Client(endpoint, budget) as client:
        asked = _ask(tree, manifests, settings, client, cache, endpoint.concurrency, progress)
        staging = work / "staging"
        shutil.rmtree(staging, ignore_errors=True)
        tally = Tally()
        answers = Answers(settings, cache, asked.failures, checker)
        for manifest in _bar(manifests, "write", progress):
            rewrite_part(tree, staging, manifest, answers, tally)
        ours = {m.path for m in manifests} | {m.catalog for m in manifests}
        copy_rest(tree, staging, leave=ours | {f"{m.folder}/{s.name}" for m in manifests for s in m.shards})
        report = _report(tally, asked, budget, time.monotonic() - started)
        head = {
            "input": source,
            "model": settings.published_model,
            "prompts": PROMPT_VERSION,
            "what": settings.what,
            "images": settings.images,
        }
        write_json(staging / REPORT, {**head, **report.published()})
        finish(staging)
        _swap(staging, out, work)
    return report


def _ask(
    tree: Path,
    manifests: Sequence[Manifest],
    settings: Settings,
    client: Client,
    cache: AnswerCache,
    concurrency: int,
    progress: bool,
) -> Asked:
    total = sum(m.samples for m in manifests)
    with tqdm(total=total, desc="ask", unit="sample", disable=not progress, file=sys.stderr) as bar:

        def ticking() -> Iterator[list[Ask]]:
            for some in asks_in(tree, manifests, settings):
                bar.update(1)
                yield some

        asks = distinct(chain.from_iterable(ticking()))
        first = next(asks, None)
        if first is None:
            raise _nothing()
        return ask_all(chain([first], asks), client, cache, concurrency=concurrency)


def _bar(manifests: Sequence[Manifest], title: str, progress: bool) -> Iterator[Manifest]:
    yield from tqdm(manifests, desc=title, unit="part", disable=not progress, file=sys.stderr)


def _nothing() -> SurgSigmaError:
    return SurgSigmaError(
        "nothing to write anew: no sample of the tasks and splits chosen has a caption or a reasoning trace",
        hint="Choose other tasks with --task, or look what there is with: surgsigma info TREE",
    )


def _report(tally: Tally, asked: Asked, budget: Budget, seconds: float) -> EnrichReport:
    return EnrichReport(
        parts=tuple(tally.parts),
        samples=tally.samples,
        changed=tally.changed,
        texts=sum(p.texts for p in tally.parts),
        accepted=sum(p.accepted for p in tally.parts),
        rejected=dict(sorted(tally.rejected.items())),
        failed=dict(sorted(tally.failed.items())),
        not_asked=tally.not_asked,
        spent=budget.spent if tally.not_asked else "",
        requests=budget.requests,
        retries=budget.retries,
        cached=asked.cached,
        tokens=budget.tokens,
        examples=dict(sorted(tally.examples.items())),
        seconds=seconds,
    )


def _digest(manifests: Sequence[Manifest]) -> str:
    """Names the input by what its manifests say."""
    whole = hashlib.sha256()
    for manifest in manifests:
        whole.update(manifest.dumps())
    return whole.hexdigest()


def _check_out(tree: Path, out: Path, source: str) -> None:
    """Refuse a place where something would be lost."""
    check_apart(tree, out)
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    report = out / REPORT
    if not report.is_file():
        raise BuildError(f"{out} exists and was not made by this command", hint="Give another folder with --out.")
    try:
        same = orjson.loads(report.read_bytes()).get("input") == source
    except (orjson.JSONDecodeError, AttributeError):
        same = False
    if not same:
        raise BuildError(
            f"{out} was made from another tree, or the tree has changed since",
            hint="Give another folder with --out, or remove it first.",
        )


def _swap(staging: Path, out: Path, work: Path) -> None:
    """Give the finished tree its name; one of an earlier run goes only then."""
    if not (staging / REPORT).is_file():
        raise ShardError(f"{staging.name} is not whole")
    old = work / "old"
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.replace(old)
    staging.replace(out)
    shutil.rmtree(old, ignore_errors=True)
