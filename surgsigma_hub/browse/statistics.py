"""Counts of a tree as HTML: samples by task and split from its manifests, label frequencies from its catalog."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ..shards.config_names import split_order
from .escape import label, text, words
from .gallery import MOST_ROWS, View

_MOST_LABELS = 40


def counts_html(view: View, wanted: str = "") -> str:
    """A table of samples by task and split, split by split, and how many surgeries and sources they are of.

    Args:
        view: What is looked at.
        wanted: A task that alone is counted; empty: all.
    """
    splits = sorted({m.split for m in view.manifests}, key=split_order)
    counted: Counter[tuple[str, str]] = Counter()
    for m in view.manifests:
        for task, samples in m.counts.items():
            if wanted in ("", task):
                counted[task, m.split] += samples
    head = "".join(f"<th>{text(split)}</th>" for split in splits)
    rows = []
    for task in sorted({task for task, _ in counted}):
        cells = "".join(f"<td>{counted[task, split]:,}</td>" for split in splits)
        rows.append(f"<tr><th>{words(task)}</th>{cells}</tr>")
    videos = len({video for m in view.manifests for video in m.videos})
    sources = sorted({m.source for m in view.manifests})
    said = (
        f"{sum(counted.values()):,} samples of {videos:,} surgeries, from {len(sources):,} "
        f"source{'' if len(sources) == 1 else 's'}: {', '.join(map(text, sources))}."
    )
    return f'<div class="ss-counts"><p>{said}</p><table><tr><th>task</th>{head}</tr>{"".join(rows)}</table></div>'


def labels_html(counted: Mapping[str, int], samples: int) -> str:
    """The most frequent labels as bars.

    Args:
        counted: Samples by label.
        samples: Samples of the selection, to say where only the first were counted.
    """
    if not counted:
        return "<p>No labels in this selection.</p>"
    largest = max(counted.values())
    shown = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST_LABELS]
    bars = "".join(
        f"<tr><th>{label(id)}</th><td><div class='ss-bar' style='width:{max(1, round(100 * count / largest))}%'>"
        f"</div></td><td>{count:,}</td></tr>"
        for id, count in shown
    )
    first = f" in the first {MOST_ROWS:,} samples" if samples > MOST_ROWS else ""
    rest = f", {len(counted) - len(shown)} more are rarer" if len(counted) > len(shown) else ""
    return f'<p>Samples by label{first}{rest}:</p><table class="ss-bars">{bars}</table>'
