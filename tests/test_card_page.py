"""The root card as a visitor sees it: rendered as GitHub-flavoured Markdown in a browser, wide and on a telephone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import orjson
import pytest
import surgsigma_hub
from surgsigma_hub.cli import main
from surgsigma_hub.errors import MissingExtraError
from surgsigma_hub.hub.cards import illustrate, refresh, stale
from surgsigma_hub.hub.charts import bars, heat_map, timelines
from surgsigma_hub.hub.citations import WIDTH, bibtex
from surgsigma_hub.hub.narrow import narrow
from surgsigma_hub.registry import all_sources
from surgsigma_hub.shards.frontmatter import split_card

from chromium import browser
from handmade import Part, write_tree
from markdown_page import write_page

WIDER = """() => [...document.querySelectorAll("*")]
  .filter((e) => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && getComputedStyle(e).display !== "inline")
  .map((e) => `${e.tagName} ${e.scrollWidth} > ${e.clientWidth}: ${e.innerText.slice(0, 60)}`)"""
PROSE = Path(__file__).parent.parent / "dataset_cards"
TASKS = ("phase_recognition", "instrument_localization", "instrument_segmentation", "safety_assessment",
         "depth_estimation", "triplet_recognition")  # fmt: skip


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small tree whose card has all its pictures."""
    pytest.importorskip("matplotlib", reason="charts are not looked at: pip install 'surgsigma-hub[charts]'")
    out = tmp_path_factory.mktemp("card") / "surgsigma"
    size = {"videos": "1", "frames": "8", "width": "96", "height": "64"}
    surgsigma_hub.build("synthetic", out=out, options=size, tasks=TASKS, pictures=True)
    return out


@pytest.fixture(scope="module")
def context() -> Iterator[Any]:
    with browser() as opened:
        yield opened


def shown(context: Any, readme: Path) -> Any:
    """A card in the browser, all that is folded open."""
    opened = context.new_page()
    opened.goto(write_page(readme).as_uri())
    opened.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true })")
    return opened


@pytest.fixture(scope="module")
def page(tree: Path, context: Any) -> Any:
    return shown(context, tree / "README.md")


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_scrolls_sideways(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    assert page.evaluate(WIDER) == []


def test_no_card_of_a_task_or_source_scrolls_sideways(tree: Path, context: Any) -> None:
    for card in [*sorted((tree / "cards").glob("*.md")), tree / "LICENSES.md"]:
        opened = shown(context, card)
        opened.set_viewport_size({"width": 390, "height": 844})
        assert (card.name, opened.evaluate(WIDER)) == (card.name, [])
        pictures = opened.evaluate("[...document.images].map((i) => i.naturalWidth)")
        assert len(pictures) == card.name.startswith("task_") and all(pictures)
        opened.close()


def test_the_prose_of_no_source_or_task_scrolls_sideways(context: Any, tmp_path: Path) -> None:
    prose = [split_card(path.read_text("utf-8"), where=path.name)[1] for path in sorted(PROSE.glob("*.md"))]
    assert len(prose) > 50
    page = tmp_path / "all.md"
    page.write_text("---\na: b\n---\n" + "\n\n".join(map(narrow, prose)), "utf-8")
    opened = shown(context, page)
    opened.set_viewport_size({"width": 390, "height": 844})
    assert opened.evaluate(WIDER) == []


def test_many_sources_their_leaks_and_benchmarks_fit_a_telephone(context: Any, tmp_path: Path) -> None:
    tree, videos = tmp_path / "surgsigma", tuple(f"cholec80/video{n}" for n in (6, 41, 80))
    tested = ("cholect50", "cholectrack20", "cholec80_cvs", "endoscapes2023", "m2cai16_tool_locations")
    write_tree(
        tree,
        (
            Part("phase_recognition", "cholec80", "train", (1,), videos),
            *(Part("instrument_segmentation", source, "test", (1,), videos) for source in tested),
        ),
    )
    refresh(tree)
    text = (tree / "README.md").read_text("utf-8")
    assert "3 surgeries are in two different splits" in text and "- cholec80: 2 of its 40 test surgeries" in text
    assert text.count("@article") >= 3 and "m2cai16" in text
    opened = shown(context, tree / "README.md")
    opened.set_viewport_size({"width": 390, "height": 844})
    assert opened.evaluate(WIDER) == []


def test_a_line_that_is_too_long_would_be_noticed(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<pre id=long>' + 'x'.repeat(90) + '</pre>')")
    assert len(page.evaluate(WIDER)) == 1
    page.evaluate("document.getElementById('long').remove()")


def test_every_picture_is_there_and_says_what_it_shows(page: Any) -> None:
    found = page.evaluate("[...document.images].map((i) => [i.getAttribute('src'), i.naturalWidth, i.alt])")
    assert {path for path, _, _ in found} >= {"assets/banner.jpg", "assets/sample.jpg", "assets/boxes.svg"}
    assert len(found) == 2 + len(TASKS) + 4
    assert all(wide > 0 and len(alt) > 15 for _, wide, alt in found), found


def test_the_first_screen_says_what_how_much_and_whether_one_may(page: Any) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    places = [
        page.get_by_text(words, exact=False).first.bounding_box()["y"]
        for words in ("What:", "How much:", "You may", "You may not")
    ]
    assert places == sorted(places) and places[-1] < 900


def test_a_stale_picture_is_told_and_drawn_again(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert stale(tree) == []
    chart = tree / "assets" / "tasks.svg"
    kept = chart.read_bytes()
    chart.write_bytes(kept + b" ")
    assert main(["card", str(tree), "--check"]) == 1
    assert "stale: assets/tasks.svg" in capsys.readouterr().out
    assert main(["card", str(tree)]) == 0 and chart.read_bytes() == kept


def test_pictures_of_another_version_of_the_drawing_library_are_not_stale(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {path: path.read_bytes() for path in (tree / "assets").iterdir()}
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("surgsigma_hub.hub.charts.find_spec", lambda name: None)
    refresh(tree)
    illustrate(tree)  # nothing is to be drawn, so that nothing is missed
    assert {path: path.read_bytes() for path in (tree / "assets").iterdir()} == kept and stale(tree) == []
    with pytest.raises(MissingExtraError, match=r"surgsigma-hub\[charts\]"):
        bars({"a": {"b": 1}})


def test_pictures_of_a_source_that_may_not_be_shown_are_not(tmp_path: Path) -> None:
    tree = tmp_path / "surgsigma"
    write_tree(tree)
    illustrate(tree)  # none of these sources is registered, so that nothing is known of their terms
    drawn = orjson.loads((tree / "assets" / "drawn.json").read_bytes())
    assert "assets/tasks.svg" in drawn and not [path for path in drawn if path.endswith(".jpg")]
    assert "banner" not in (tree / "README.md").read_text("utf-8")
    (tree / "assets" / "mine.png").write_bytes(b"of somebody's own")
    for old in (tree / "data" / "instrument_segmentation").rglob("*.manifest.json"):
        old.unlink()
    refresh(tree)  # the numbers are others now, so the chart goes, and what is not ours stays
    left = {path.name for path in (tree / "assets").iterdir()}
    assert "mine.png" in left and "tasks.svg" not in left and stale(tree) == []


def test_the_default_config_is_the_one_most_people_come_for(tree: Path) -> None:
    front, body = split_card((tree / "README.md").read_text("utf-8"), where="README.md")
    assert [c["config_name"] for c in front["configs"] if c.get("default")] == ["phase_recognition"]
    assert '"phase_recognition"' in body
    assert front["annotations_creators"] == ["machine-generated"] and front["source_datasets"] == ["original"]
    assert all((tree / target).is_file() for target in ("LICENSES.md", "cards/synthetic.md", "schema.json"))


def test_every_card_has_a_title_of_its_own(tree: Path) -> None:
    titles = [path.read_text("utf-8").split("\n\n", 2)[1].splitlines()[0] for path in (tree / "cards").glob("*.md")]
    assert all(title.startswith("# ") for title in titles) and len(set(titles)) == len(titles)


def test_citations_are_of_every_source_and_fit_a_telephone() -> None:
    made = bibtex(["cholec80", "cholect50", "cholec80"])
    assert "2603.16822" in made and "EndoNet" in made and made.count("@article{nwoye2022rendezvous") == 1
    assert [line[:9] for line in made.splitlines()[:3]] == ["@misc{zen", "  title =", "    Spect"], (
        "a field begins a line"
    )
    everything = bibtex(sorted(all_sources()))
    assert max(map(len, everything.splitlines())) <= WIDTH + 3
    assert everything.count("{") == everything.count("}")


def test_charts_are_well_formed_escaped_and_stable() -> None:
    pytest.importorskip("matplotlib", reason="charts are not looked at: pip install 'surgsigma-hub[charts]'")
    name = "<b>&$x$"
    for make in (
        lambda: bars({name: {name: 3}, "b": {"other": 1}}),
        lambda: timelines({name: [(0.0, name), (4.0, "late"), (5.0, name)]}),
        lambda: heat_map([[0, 2], [1, 0]], unit=name),
    ):
        text = make().decode()
        assert make().decode() == text and "<b>" not in text and "prefers-color-scheme:dark" in text
        assert name in "".join(ElementTree.fromstring(text).itertext())
