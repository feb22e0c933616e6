"""Asking for everything that the cache does not hold, a bounded number at a time."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import EndpointError, SurgSigmaError, UnknownNameError
from ..shards.manifest import Manifest
from ..shards.part_reader import parsed, read_part_shard
from .cache import AnswerCache, Reply
from .client import Client, FailCode, Failure
from .prompts import CAPTIONING, Ask, Settings, asks_of

logger = logging.getLogger(__name__)

GIVE_UP_AFTER = 20
"""Requests in a row without an answer after which the endpoint counts as gone."""


def chosen(manifests: Sequence[Manifest], settings: Settings) -> list[Manifest]:
    """The parts of a tree that are to be read.

    Raises:
        UnknownNameError: a task or split that the tree does not hold.
        SurgSigmaError: nothing in them can be written anew.
    """
    if by_medium := next((m for m in manifests if m.layout == "frames"), None):
        raise SurgSigmaError(
            f"{by_medium.path} is laid out by medium, which enrich does not read",
            hint="surgsigma repack TREE --layout tasks --out NEW makes a tree that it reads.",
        )
    for kind, asked in (("task", settings.tasks), ("split", settings.splits)):
        held = {getattr(m, kind) for m in manifests}
        for name in asked:
            if name not in held:
                raise UnknownNameError(kind, name, held, where="the tree")
    only_captions = settings.what == ("caption",)
    found = [
        m
        for m in manifests
        if (not settings.tasks or m.task in settings.tasks)
        and (not settings.splits or m.split in settings.splits)
        and not (only_captions and m.task not in CAPTIONING)
    ]
    if not found:
        raise SurgSigmaError(
            "nothing to write anew: no captioning task among the tasks and splits chosen",
            hint=f"Captions are in {' and '.join(CAPTIONING)}; traces of any task: --what reasoning.",
        )
    return found


def asks_in(tree: Path, manifests: Sequence[Manifest], settings: Settings) -> Iterator[list[Ask]]:
    """The requests of every sample in turn; the same request comes as often as samples need its answer."""
    for manifest in manifests:
        for shard in manifest.shards:
            for key, members in read_part_shard(tree, manifest.folder, shard):
                yield list(asks_of(parsed(members, where=f"{shard.name}:{key}"), members, settings))


def distinct(asks: Iterable[Ask]) -> Iterator[Ask]:
    """Each request once."""
    seen: set[bytes] = set()
    for ask in asks:
        short = hashlib.blake2b(ask.digest.encode(), digest_size=12).digest()
        if short not in seen:
            seen.add(short)
            yield ask


@dataclass(slots=True)
class Asked:
    """What came of the requests: failures by digest; answers are in the cache."""

    answered: int = 0
    cached: int = 0
    failures: dict[str, Failure] = field(default_factory=dict)


def ask_all(asks: Iterable[Ask], client: Client, cache: AnswerCache, *, concurrency: int) -> Asked:
    """Ask for what the cache does not hold. Stops early where the budget is spent.

    Raises:
        EndpointError: the endpoint refuses the key, the model or the address, or answers nothing at all.
    """
    asked = Asked()
    in_row = 0
    running: dict[Future[Reply | Failure], Ask] = {}

    def one(ask: Ask) -> Reply | Failure:
        outcome = client.ask(ask)
        if isinstance(outcome, Reply):
            cache.put(ask, outcome)  # in the thread, so that a kill loses no more than what is on its way
        return outcome

    def collect(until: int) -> bool:
        """Take in results until so many are left running; False once the budget is spent."""
        nonlocal in_row
        going_on = True
        while len(running) > until:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                ask, outcome = running.pop(future), future.result()
                if isinstance(outcome, Reply):
                    asked.answered += 1
                    in_row = 0
                elif outcome.code in (FailCode.BUDGET, FailCode.STOPPED):
                    going_on = False
                else:
                    asked.failures[ask.digest] = outcome
                    in_row += 1
                    if in_row >= GIVE_UP_AFTER:
                        raise EndpointError(
                            f"{in_row} requests in a row got no answer; the last: {outcome.detail}",
                            hint="Answers so far are kept: run the same command again once it works.",
                        )
        return going_on

    pool = ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="enrich")
    try:
        for ask in asks:
            if cache.get(ask.digest) is not None:
                asked.cached += 1
                continue
            running[pool.submit(one, ask)] = ask
            if not collect(2 * concurrency - 1):
                break
        collect(0)
    except BaseException:
        client.stop()
        logger.info("stopping; waiting for what is on its way")
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    if asked.failures and not asked.answered and not asked.cached:
        detail = next(iter(asked.failures.values())).detail
        raise EndpointError(
            f"none of {len(asked.failures)} requests got an answer; the first: {detail}",
            hint="Nothing was written. Look at --endpoint, --model and --timeout.",
        )
    return asked
