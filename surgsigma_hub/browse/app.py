"""The page of ``surgsigma browse``, and the whole of a Space: copy this file there as ``app.py``.

A Space needs ``surgsigma-hub[browse]`` in its ``requirements.txt`` and the variable ``SURGSIGMA_TREE`` (ORG/NAME).
"""

from __future__ import annotations

import os
import random
from importlib import resources
from pathlib import Path
from typing import Any

from surgsigma_hub.browse.escape import text
from surgsigma_hub.browse.gallery import MOST_TOGETHER, Filter, Gallery, Place
from surgsigma_hub.browse.markup import sample_html, together_html
from surgsigma_hub.browse.statistics import counts_html, labels_html
from surgsigma_hub.errors import MissingExtraError, SurgSigmaError
from surgsigma_hub.ontology.forms import noun_of
from surgsigma_hub.source import Specialty

ANY = "any"
_LABELS = 200
_FONTS = ["system-ui", "sans-serif"]
"""Of the reader's machine: a page about patients' data asks nobody else for fonts."""


class Page:
    """What the page does: turns what is chosen into HTML. Holds a gallery, and nothing of a reader."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery

    def opened(self, at: str, id: str) -> tuple[Any, ...]:
        """The page as a link opens it: at a place, or where that now holds another sample, at its id."""
        view, position, said = self._gallery.view(Filter()), 0, ""
        try:
            place = Place.parse(at) if at else None
            if id and (place is None or not self._holds(place, id)):
                place = self._gallery.find(id)
                said = "" if place else f"This tree holds no sample {id[:200]!r}; here is its first one."
            position = (view.position(place) or 0) if place is not None else 0
        except SurgSigmaError as error:
            said = error.message
        return self.shown(position + 1, "", "", "", "", "", True, said)

    def shown(
        self, number: float | None, task: str | None, source: str | None, specialty: str | None, label: str | None,
        split: str | None, overlays: bool, said: str = "",
    ) -> tuple[int, str, str]:  # fmt: skip
        """A sample of a filter: its number (from 1), a line that says of how many, and its HTML."""
        try:
            view = self._gallery.view(_filter(task, source, specialty, label, split))
            if not len(view):
                return 1, "no sample", '<p class="ss-none">No sample passes this filter.</p>'
            position = min(max(int(number or 1), 1), len(view))
            body = sample_html(self._gallery.read(view.place(position - 1)), overlays=overlays)
            count = f"{said + ' ' if said else ''}{position:,} of {len(view):,}"
            return position, count, body
        except SurgSigmaError as error:
            return int(number or 1), "cannot be shown", _problem(error)

    def labels(self, task: str | None, source: str | None, specialty: str | None, split: str | None) -> list[str]:
        """Labels to choose from, the frequent ones first."""
        try:
            counted = self._gallery.labels(_filter(task, source, specialty, "", split))
        except SurgSigmaError:
            return [ANY]  # what is wrong is told where the sample would be
        return [ANY, *(name for name, _ in counted.most_common(_LABELS))]

    def together(self, number: float, task: str, source: str, specialty: str, label: str, split: str) -> str:
        """All conversations that look at what a sample looks at."""
        try:
            view = self._gallery.view(_filter(task, source, specialty, label, split))
            if not len(view):
                return ""
            shown = self._gallery.read(view.place(min(max(int(number or 1), 1), len(view)) - 1))
            places = self._gallery.together(shown)
            return together_html(shown, [self._gallery.read(place) for place in places[:MOST_TOGETHER]], len(places))
        except SurgSigmaError as error:
            return _problem(error)

    def statistics(self, task: str, source: str, specialty: str, split: str) -> str:
        """Counts of what is chosen."""
        try:
            wanted = _filter(task, source, specialty, "", split)
            whole = self._gallery.view(Filter(task=wanted.task, source=wanted.source, split=wanted.split))
            return counts_html(whole, wanted.task) + labels_html(self._gallery.labels(wanted), len(whole))
        except SurgSigmaError as error:
            return _problem(error)

    def any_number(self, task: str, source: str, specialty: str, label: str, split: str) -> int:
        """The number of some sample."""
        try:
            return random.randint(1, max(1, len(self._gallery.view(_filter(task, source, specialty, label, split)))))
        except SurgSigmaError:
            return 1

    def _holds(self, place: Place, id: str) -> bool:
        try:
            return bool(self._gallery.read(place).doc["id"] == id)
        except SurgSigmaError:
            return False


def make_page(gallery: Gallery) -> Any:
    """The page as ``gradio.Blocks``; :func:`launch` starts it.

    Raises:
        MissingExtraError: Gradio is not installed.
    """
    gr = _gradio()
    page = Page(gallery)
    page.opened("", "")  # reads the first sample, so that nobody waits for imports and manifests later
    with gr.Blocks(title=f"{gallery.where}: samples", analytics_enabled=False, fill_width=True) as made:
        gr.HTML(f"<h2 class='ss-title'>{text(gallery.where)}</h2>")
        with gr.Row(elem_id="ss-filter"):
            task = gr.Dropdown([ANY, *gallery.tasks], value=ANY, label="task", elem_id="ss-task", scale=2)
            source = gr.Dropdown([ANY, *gallery.sources], value=ANY, label="source", elem_id="ss-source")
            specialty = gr.Dropdown([ANY, *Specialty], value=ANY, label="specialty", elem_id="ss-specialty")
            split = gr.Dropdown([ANY, *gallery.splits], value=ANY, label="split", elem_id="ss-split")
            label = gr.Dropdown([ANY], value=ANY, label="label", elem_id="ss-label", allow_custom_value=True)
        with gr.Row(elem_id="ss-steps"):
            back = gr.Button("previous (←)", elem_id="ss-previous", size="sm")
            number = gr.Number(1, label="sample", precision=0, minimum=1, elem_id="ss-number", show_label=False)
            count = gr.Markdown("", elem_id="ss-count")
            forth = gr.Button("next (→)", elem_id="ss-next", size="sm")
            some = gr.Button("any (r)", elem_id="ss-any", size="sm")
            overlays = gr.Checkbox(True, label="boxes and masks (b)", elem_id="ss-overlays")
        with gr.Tab("Sample"):
            body = gr.HTML(elem_id="ss-body")
        with gr.Tab("Same picture") as beside:
            others = gr.HTML("Loading ...", elem_id="ss-others")
        with gr.Tab("Statistics") as counts:
            numbers = gr.HTML("Counting ...", elem_id="ss-numbers")
        chosen, shown = [task, source, specialty, label, split], [number, count, body]
        narrowed = [task, source, specialty, split]

        def first(request: Any) -> tuple[Any, ...]:
            asked = request.query_params if request else {}
            return page.opened(str(asked.get("at", ""))[:400], str(asked.get("id", ""))[:400])

        first.__annotations__["request"] = gr.Request  # Gradio hands it to whoever names the class itself

        def labelled(*asked: Any) -> Any:
            return gr.Dropdown(choices=[(noun_of(id), id) for id in page.labels(*asked)], value=ANY)

        made.load(first, None, shown, api_visibility="private").then(
            labelled, narrowed, label, api_visibility="private"
        )
        steps = {back: lambda n: (n or 1) - 1, forth: lambda n: (n or 1) + 1}
        for button, step in steps.items():
            button.click(step, number, number, show_progress="hidden", api_visibility="private").then(
                page.shown, [number, *chosen, overlays], shown, show_progress="hidden", api_visibility="private"
            )
        some.click(page.any_number, chosen, number, api_visibility="private").then(
            page.shown, [number, *chosen, overlays], shown, api_visibility="private"
        )
        number.submit(page.shown, [number, *chosen, overlays], shown, api_visibility="private")
        overlays.input(page.shown, [number, *chosen, overlays], shown, api_visibility="private")
        for one in narrowed:
            one.input(labelled, narrowed, label, api_visibility="private").then(lambda: 1, None, number).then(
                page.shown, [number, *chosen, overlays], shown, api_visibility="private"
            )
        label.input(lambda: 1, None, number, api_visibility="private").then(
            page.shown, [number, *chosen, overlays], shown, api_visibility="private"
        )
        beside.select(page.together, [number, *chosen], others, api_visibility="private")
        counts.select(page.statistics, narrowed, numbers, api_visibility="private")
    return made


def launch(tree: str | Path | None, *, host: str = "127.0.0.1", port: int | None = None, **options: Any) -> Any:
    """Open a tree and serve its page; blocks until it is stopped, unless ``prevent_thread_lock=True``.

    Args:
        tree: A folder, ``ORG/NAME[@REVISION]``, or a URL.
        host: Address to listen at; this machine alone by default.
        port: None: a free one from 7860 on.
        options: More arguments of Gradio's ``launch``.

    Raises:
        SurgSigmaError: no such tree, or the port is taken.
        MissingExtraError: Gradio is not installed.
    """
    gr = _gradio()
    made = make_page(Gallery(tree))
    files = resources.files("surgsigma_hub.browse")
    theme = gr.themes.Default(font=_FONTS, font_mono=["ui-monospace", "monospace"])
    try:
        made.launch(
            server_name=host, server_port=port, share=False, theme=theme, css=(files / "page.css").read_text("utf-8"),
            head=f"<script>{(files / 'keys.js').read_text('utf-8')}</script>", footer_links=[], **options,
        )  # fmt: skip
    except OSError as error:
        raise SurgSigmaError(f"port {port} of {host} cannot be used: {error}", hint="Name another --port.") from None
    return made


def _gradio() -> Any:
    try:
        import gradio
    except ImportError:
        raise MissingExtraError("gradio", "browse", purpose="surgsigma browse") from None
    return gradio


def _filter(
    task: str | None, source: str | None, specialty: str | None, label: str | None, split: str | None
) -> Filter:
    named = ("" if name in (None, ANY) else str(name) for name in (task, source, specialty, label, split))
    return Filter(*named)


def _problem(error: SurgSigmaError) -> str:
    return f'<p class="ss-none">{text(error.message)}</p><p>{text(error.hint)}</p>'


if __name__ == "__main__":
    launch(os.environ.get("SURGSIGMA_TREE"), host=os.environ.get("GRADIO_SERVER_NAME", "0.0.0.0"))
