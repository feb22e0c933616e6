"""``surgsigma browse``: the gallery by index and by ranges, and the page in a real browser."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import surgsigma_hub
from surgsigma_hub import records as r
from surgsigma_hub.browse.escape import text
from surgsigma_hub.browse.gallery import Filter, Gallery, Place
from surgsigma_hub.browse.markup import doubted, marked, sample_html
from surgsigma_hub.browse.media import media_html
from surgsigma_hub.browse.statistics import counts_html
from surgsigma_hub.errors import ShardError, SurgSigmaError
from surgsigma_hub.hub.cards import refresh
from surgsigma_hub.reasoning.check import Objection

from chromium import browser
from handmade import entries, film, jpeg, rewrite, sample, small_tree, write_part
from webserver import serve

HOSTILE = '<img src=x onerror="document.title=1">${document.title=2}{{document.title}}<script>document.title=3</script>'


def places(gallery: Gallery, wanted: Filter) -> list[Place]:
    view = gallery.view(wanted)
    return [view.place(n) for n in range(len(view))]


# --------------------------------------------------------------------------------------------------- the gallery


@pytest.fixture(scope="module")
def gallery(adapter_tree: Path) -> Iterator[Gallery]:
    opened = Gallery(adapter_tree)
    yield opened
    opened.close()


def test_every_sample_is_there_once_and_a_place_leads_back(gallery: Gallery) -> None:
    view = gallery.view(Filter())
    found = [view.place(n) for n in range(len(view))]
    assert len(set(found)) == len(found) == sum(m.samples for m in view.manifests)
    assert [view.position(place) for place in found] == list(range(len(found)))
    assert view.position(Place("no_task", "synthetic", "train", 0)) is None


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(task="phase_recognition"),
        Filter(split="train", source="synthetic"),
        Filter(label="grasper", split="train"),
        Filter(specialty="general_surgery", task="instrument_localization"),
        Filter(specialty="urology"),
    ],
    ids=lambda f: "+".join(filter(None, (f.task, f.source, f.specialty, f.label, f.split))),
)
def test_a_filter_keeps_what_it_says(gallery: Gallery, wanted: Filter) -> None:
    def fits(doc: dict[str, Any]) -> bool:
        labels = doc["answer"]["labels"] or [b["label"] for b in doc["answer"]["boxes"]]
        names = all(
            not (value := getattr(wanted, n)) or doc[n] == value for n in ("task", "source", "specialty", "split")
        )
        return names and (not wanted.label or wanted.label in labels)

    everything = [gallery.read(place) for place in places(gallery, Filter())]
    expected = {str(one.place) for one in everything if fits(one.doc)}
    assert {str(place) for place in places(gallery, wanted)} == expected
    assert bool(expected) == (wanted.specialty != "urology")


def test_labels_are_counted_as_the_samples_hold_them(gallery: Gallery) -> None:
    wanted = Filter(task="instrument_recognition", split="train")
    counted = Counter(label for p in places(gallery, wanted) for label in set(gallery.read(p).doc["answer"]["labels"]))
    assert gallery.labels(wanted) == counted and counted
    assert gallery.labels(replace(wanted, specialty="urology")) == Counter()


def test_conversations_of_one_picture_come_together(gallery: Gallery) -> None:
    one = gallery.read(places(gallery, Filter(task="instrument_localization", split="train"))[3])
    moment = ("canonical_video_id", "frame_index", "start_seconds", "end_seconds")
    expected = {
        str(place)
        for place in places(gallery, Filter(split="train"))
        if all(gallery.read(place).doc[name] == one.doc[name] for name in moment)
    }
    assert {str(place) for place in gallery.together(one)} == expected
    assert len({place.split("/")[0] for place in expected}) > 5  # of many tasks


def test_a_sample_is_found_by_its_id(gallery: Gallery) -> None:
    place = places(gallery, Filter(task="triplet_recognition", split="train"))[2]
    assert gallery.find(gallery.read(place).doc["id"]) == place
    assert gallery.find("nothing-of-this-name") is None


@pytest.mark.parametrize("said", ["", "a/b/c", "a/b/c/x", "a/b/c/-1", "a/b/c/²"])
def test_what_is_no_place_is_named(said: str) -> None:
    with pytest.raises(SurgSigmaError, match="not the place of a sample"):
        Place.parse(said)


def test_a_number_that_no_manifest_has_is_an_error(gallery: Gallery) -> None:
    with pytest.raises(ShardError, match="none of number 99999"):
        gallery.read(Place("phase_recognition", "synthetic", "train", 99999))
    with pytest.raises(ShardError, match="has no nothing of synthetic"):
        gallery.read(Place("nothing", "synthetic", "train", 0))


def test_a_remote_tree_is_read_by_ranges(adapter_tree: Path) -> None:
    with serve(adapter_tree) as web:
        remote, local = Gallery(web.url), Gallery(adapter_tree)
        wanted = Filter(label="grasper", split="train")
        assert places(remote, wanted) == places(local, wanted)
        place = places(remote, wanted)[-1]
        assert remote.read(place) == local.read(place)
        tars = web.tars()
        assert tars and all(asked for _, asked in tars)  # each with a Range
        assert len({path for path, _ in tars}) == 1
        remote.close()


def test_a_tree_by_medium_shows_what_a_tree_by_task_shows(gallery: Gallery, adapter_tree: Path, tmp_path: Path) -> None:
    surgsigma_hub.repack(adapter_tree, out=tmp_path / "by-medium", layout="frames")
    other = Gallery(tmp_path / "by-medium")
    assert other.tasks == gallery.tasks and other.splits == gallery.splits
    view = other.view(Filter())
    found = places(other, Filter())
    assert [view.position(place) for place in found] == list(range(len(found)))
    here = {shown.doc["id"]: shown for shown in map(gallery.read, places(gallery, Filter()))}
    there = {shown.doc["id"]: shown for shown in map(other.read, found)}
    assert {id: (shown.doc, shown.media) for id, shown in here.items()} == {
        id: (shown.doc, shown.media) for id, shown in there.items()
    }
    assert sum(shown.place.task == "frames" for shown in there.values()) > len(there) / 2
    for wanted in (Filter(task="phase_recognition"), Filter(label="grasper", split="train"), Filter(task="desmoking"),
                   Filter(task="triplet_recognition", label="hook"), Filter(specialty="urology")):  # fmt: skip
        ids = {gallery.read(place).doc["id"] for place in places(gallery, wanted)}
        assert {other.read(place).doc["id"] for place in places(other, wanted)} == ids, wanted
        assert other.labels(wanted) == gallery.labels(wanted)
        shown = re.sub("<[^>]*>", " ", counts_html(other.view(wanted), wanted.task))
        assert shown == re.sub("<[^>]*>", " ", counts_html(gallery.view(wanted), wanted.task))
    some = next(id for id, shown in there.items() if shown.place.task == "frames")
    assert other.find(some) == there[some].place
    together = {other.read(place).doc["id"] for place in other.together(there[some])}
    assert together == {gallery.read(place).doc["id"] for place in gallery.together(here[some])}
    with pytest.raises(ShardError, match="none of number 99999"):
        other.read(Place("frames", "synthetic", "train", 99999))
    other.close()


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    tree = small_tree(tmp_path / "surgsigma")
    made, media = sample(0)
    rewrite(tree, entries(made, media, messages=7), samples=1)
    with pytest.raises(ShardError, match="not a sample of this package: messages"):
        Gallery(tree).read(Place("phase_recognition", "synthetic", "train", 0))


# --------------------------------------------------------------------------------------------------- what is drawn


def test_text_of_a_source_is_shown_and_is_not_markup() -> None:
    made = text(HOSTILE + "\u202e")
    assert not re.search(r"[<>${}]", made) and "\\u202e" in made


def test_claims_that_the_facts_do_not_hold_are_marked() -> None:
    made, _ = sample(0, task="instrument_recognition", answer=r.Answer(text="grasper", labels=("grasper",)))
    seen = "A grasper and a hook are in view."
    told = replace(made, reasoning=r.Reasoning(1, perceptual=seen), provenance=replace(made.provenance, model="some"))
    doc = orjson.loads(orjson.dumps(told))
    assert {one.level for one in doubted(doc)} == {1}
    assert re.search(r"<mark [^>]*>[^<]*hook</mark>", marked(seen, doubted(doc)))
    assert doubted(orjson.loads(orjson.dumps(made))) == ()  # no trace


def test_marks_do_not_overlap_and_nothing_is_lost() -> None:
    both = [Objection(1, "a hook", "one"), Objection(1, "hook is", "<two>"), Objection(1, "not there", "three")]
    made = marked("There <a hook is.", both)
    assert made.startswith('There &lt;<mark title="one">a hook</mark> is.')
    assert "&lt;two&gt;" in made and "not there" in made and "<two>" not in made


def test_a_medium_that_cannot_be_shown_says_why() -> None:
    clip = film([(200, 30, 30), (30, 200, 30)])
    made, media = sample(0, media=[("image.jpg", "image", "input", jpeg()), ("target.mp4", "video", "target", clip)])
    doc = orjson.loads(orjson.dumps(made))
    assert media_html(doc, media).count("<img") == 2 and "<video" in media_html(doc, media)
    broken = media_html(doc, {"image.jpg": b"<b>no picture"})
    assert broken.count("cannot be shown") == 2 and "not in the shard" in broken and "<b>" not in broken


def test_samples_of_every_task_are_drawn(gallery: Gallery) -> None:
    found = places(gallery, Filter(split="train"))
    for place in {*{one.task: one for one in found}.values(), *found[::4]}:
        made = sample_html(gallery.read(place))
        assert "cannot be shown" not in made and f"at={place.task}%2F" in made


# ----------------------------------------------------------------------------------------------------- the page


@pytest.fixture(scope="module")
def served(adapter_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page's own file, alone in a folder as in a Space."""
    pytest.importorskip("gradio", reason="the page is not tested: pip install 'surgsigma-hub[browse]'")
    space = tmp_path_factory.mktemp("space")
    shutil.copy(Path(surgsigma_hub.__file__).parent / "browse" / "app.py", space / "app.py")
    with serve_page(space, adapter_tree) as url:
        yield url


class serve_page:
    def __init__(self, space: Path, tree: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._space, self._tree = space, tree

    def __enter__(self) -> str:
        environment = {
            **os.environ, "SURGSIGMA_TREE": str(self._tree), "GRADIO_SERVER_NAME": "127.0.0.1",
            "GRADIO_SERVER_PORT": str(self.port), "HF_HUB_OFFLINE": "1",
        }  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=self._space, env=environment, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        for line in self._process.stdout:
            if "http://" in line:
                url = f"http://127.0.0.1:{self.port}/"
                urllib.request.urlopen(url).close()
                return url
        raise AssertionError("the page ended before it was served")

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as opened:
        yield opened


RIMS = """() => [...document.querySelectorAll(".ss-bars, .ss-bars *, .ss-counts *, .ss-answer, .ss-answer *")]
  .map((e) => getComputedStyle(e).borderTopWidth).filter((w) => w !== "0px")"""


def shown_id(page: Any) -> str:
    page.wait_for_selector(".ss-sample")
    found: str = page.get_attribute(".ss-sample", "data-id")
    return found


def other_than(page: Any, id: str) -> str:
    page.wait_for_function("id => document.querySelector('.ss-sample')?.dataset.id !== id", arg=id)
    return shown_id(page)


def test_the_page_steps_filters_and_links(served: str, chromium: Any, gallery: Gallery) -> None:
    page = chromium.new_page()
    outside: list[str] = []
    page.on("request", lambda q: outside.append(q.url) if q.url.startswith("http") and served not in q.url else None)
    page.goto(served)
    expected = [gallery.read(place).doc["id"] for place in places(gallery, Filter())[:3]]
    assert shown_id(page) == expected[0]
    page.keyboard.press("ArrowRight")
    assert other_than(page, expected[0]) == expected[1]
    page.keyboard.press("j")
    assert other_than(page, expected[1]) == expected[2]
    page.keyboard.press("ArrowLeft")
    assert other_than(page, expected[2]) == expected[1]

    page.click("#ss-task input")
    page.get_by_role("option", name="instrument_segmentation", exact=True).click()
    segmented = other_than(page, expected[1])
    assert segmented.split("-")[-1].startswith("instrument_segmentation") or "segmentation" in segmented
    with_mask = page.get_attribute(".ss-media img", "src")
    page.click("#ss-overlays input")
    page.wait_for_function("s => document.querySelector('.ss-media img').src !== s", arg=with_mask)
    assert page.locator(".ss-media figure").count() == 2  # the mask beside its picture

    address = page.get_attribute(".ss-sample header a", "href")
    page.goto(served + address)
    assert shown_id(page) == segmented
    page.get_by_role("tab", name="Same picture").click()
    page.wait_for_selector(".ss-together h4 a")
    assert page.locator(".ss-together h4 a").count() == len(gallery.together(gallery.read(gallery.find(segmented))))  # type: ignore[arg-type]
    page.get_by_role("tab", name="Statistics").click()
    page.wait_for_selector(".ss-bars")
    assert page.evaluate(RIMS) == []
    assert f"{len(gallery.view(Filter())):,} samples" in page.inner_text(".ss-counts")
    assert not outside  # nobody else is told what is looked at
    page.close()


def test_an_id_that_moved_is_found_and_one_that_is_gone_is_told(served: str, chromium: Any, gallery: Gallery) -> None:
    page = chromium.new_page()
    place = places(gallery, Filter(task="phase_recognition", split="train"))[1]
    id = gallery.read(place).doc["id"]
    page.goto(f"{served}?at=phase_recognition/synthetic/train/0&id={id}")
    assert shown_id(page) == id
    page.goto(f"{served}?id=no-such-sample")
    shown_id(page)
    page.wait_for_function("document.querySelector('#ss-count').innerText.includes('no-such-sample')")
    page.close()


def test_a_hostile_caption_does_nothing_in_the_page(chromium: Any, tmp_path: Path) -> None:
    tree = tmp_path / "surgsigma"
    made, media = sample(0, question=HOSTILE)
    model = replace(made.provenance, model=HOSTILE)
    told = replace(made, reasoning=r.Reasoning(1, perceptual=f"A hook. {HOSTILE}"), provenance=model)
    write_part(tree, [[(told, media)]])
    refresh(tree)
    shutil.copy(Path(surgsigma_hub.__file__).parent / "browse" / "app.py", tmp_path / "app.py")
    pytest.importorskip("gradio", reason="the page is not tested: pip install 'surgsigma-hub[browse]'")
    with serve_page(tmp_path, tree) as url:
        page = chromium.new_page()
        page.goto(url)
        shown_id(page)
        assert "surgsigma" in page.title() and page.locator(".ss-sample script, .ss-turn img").count() == 0
        assert HOSTILE in page.inner_text(".ss-talk") and HOSTILE in page.inner_text(".ss-trace")
        page.close()
