"""``load_dataset``: the published tree as flat, typed columns, from a folder or from the Hub."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SurgSigmaError
from ..shards.config_names import layout_of_config
from ..shards.skipping import OnError
from .index import open_index
from .register import register, unregister

if TYPE_CHECKING:
    import datasets

__all__ = ["load_dataset", "register", "unregister"]


def load_dataset(
    path: str | Path | None = None,
    config: str | None = None,
    *,
    split: str | None = None,
    streaming: bool = False,
    shards: int | None = None,
    on_error: OnError = "raise",
    max_errors_in_row: int = 32,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | Path | None = None,
    num_proc: int | None = None,
    download_mode: str | None = None,
) -> datasets.DatasetDict | datasets.Dataset | datasets.IterableDatasetDict | datasets.IterableDataset:
    """Load a config of a built tree with one column per field of a sample, plus ``images`` and ``videos``.

    ``images`` is a list of ``{"image", "role"}`` with decoded pictures, ``videos`` a list of ``{"video", "role"}`` with
    the clip's bytes; ``media`` says, in the same order, which member each is and of which kind (a mask, for example).

    Args:
        path: A folder that holds a built tree or a pointer card, or ``ORG/NAME`` on the Hub. None: ``./surgsigma``.
        config: A task, a source, ``<task>-<source>`` or ``all``; or ``frames`` or ``frames-<source>`` of a tree that is
            laid out by medium: one row a picture or clip, and in ``texts`` all that is asked about it, a list of
            ``{"user", "assistant", "task", "id"}``. None: the default config, the first task.
        split: One split (or ``a+b``, or a slice where not streaming). None: a dict of all splits.
        streaming: Read the tars as they come, without copying them into an Arrow cache first.
        shards: How many shards ``datasets`` is to see in a split, of about equally many samples each; a multiple of
            ranks x workers keeps all of them busy, whatever the number of tars. None: one for each tar. For streaming.
        on_error: ``skip`` leaves out samples that are damaged or not there. Each is a warning of the logger
            ``surgsigma_hub.hub.block_ranges``, with the total of its process. For streaming.
        max_errors_in_row: With ``skip``, more bad samples than this, one after the other, are an error all the same.
        revision: Branch, tag or commit of a dataset on the Hub.
        token: As in ``huggingface_hub``.
        cache_dir: Where ``datasets`` keeps its Arrow files; not for streaming.
        num_proc: Processes that write the Arrow files; not for streaming.
        download_mode: As in ``datasets``; not for streaming.

    Raises:
        UnknownNameError: no such config or split; found before any medium is read.
        ShardError: not a tree of ours, or of a newer format version.
        SurgSigmaError: no such folder or dataset, or options that do not go together.
    """
    if not streaming and (shards is not None or on_error != "raise"):
        raise SurgSigmaError(
            "shards and on_error are for streaming=True",
            hint="A dataset that is written to the cache is whole; surgsigma validate names what is damaged.",
        )
    if on_error not in ("raise", "skip"):
        raise SurgSigmaError(f"on_error={on_error!r}", hint="Expected raise or skip.")
    for option, value, least in (("shards", shards, 1), ("max_errors_in_row", max_errors_in_row, 0)):
        if value is not None and value < least:
            raise SurgSigmaError(f"{option}={value}", hint=f"Expected {least} or more.")
    if streaming and num_proc is not None:
        raise SurgSigmaError("num_proc has no meaning with streaming=True", hint="Use the workers of a DataLoader.")
    index = open_index(path, revision=revision, token=token)
    name = index.config(config)
    if split is not None:
        index.check_split(name, split)
        if streaming and "[" in split:
            raise SurgSigmaError(
                f"split {split!r}: a stream cannot be sliced", hint="Use .take(n) and .skip(n), or streaming=False."
            )

    from .builder import SurgSigma

    splits = index.configs[name]
    wanted = [split] if streaming and split is not None and split in splits else list(splits)
    tars = index.tars(name, wanted, token=token)
    counts = {s: (splits[s].samples, splits[s].bytes) for s in wanted}
    with _told_of_the_cache():
        builder: Any = SurgSigma(
            config_name=name,
            cache_dir=str(cache_dir) if cache_dir is not None else None,
            token=token,
            tars=tars,
            counts=counts,
            identity=index.identity,
            shards=shards,
            on_error=on_error,
            max_errors_in_row=max_errors_in_row,
            layout=layout_of_config(name),
        )
    loaded: Any
    if streaming:
        from .flat_stream import with_parquet

        loaded = with_parquet(builder.as_streaming_dataset(split=split))
    else:
        from datasets.exceptions import DatasetGenerationError

        try:
            with _told_of_the_cache():
                builder.download_and_prepare(num_proc=num_proc, download_mode=download_mode)
        except DatasetGenerationError as error:
            if isinstance(error.__cause__, SurgSigmaError):
                raise error.__cause__ from None  # it says which shard and why; the wrapper does not
            raise
        loaded = builder.as_dataset(split=split)
    return loaded


@contextmanager
def _told_of_the_cache() -> Iterator[None]:
    """A folder that cannot be made or written is an error that says how to choose another one."""
    try:
        yield
    except OSError as error:
        place = f" {error.filename}" if error.filename else ""
        raise SurgSigmaError(
            f"the cache of datasets cannot be made or written{place} ({error.strerror or error})",
            hint="Name a folder that can be written: cache_dir=..., or the variable HF_HOME.",
        ) from error
