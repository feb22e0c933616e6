"""Cards: every number is counted, nothing of the builder's machine shows, and what is gone goes."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from surgsigma_hub.errors import BuildError, ShardError
from surgsigma_hub.hub.cards import refresh
from surgsigma_hub.hub.chart_numbers import chart_numbers
from surgsigma_hub.hub.markdown import plain, table
from surgsigma_hub.hub.tree_facts import gather, size_category
from surgsigma_hub.schema import FORMAT_VERSION, schema_text
from surgsigma_hub.tasks import get_task
from surgsigma_hub.visible import size_text
from surgsigma_hub.whole_files import write_atomic

from handmade import PARTS, SOURCES, Part, add_strays, counts, make_sample, write_tree


def card(tree: Path) -> tuple[dict, str]:
    text = (tree / "README.md").read_text("utf-8")
    _, front, body = text.split("---\n", 2)
    return yaml.safe_load(front), body


def generated(tree: Path) -> dict[str, bytes]:
    return {
        p.relative_to(tree).as_posix(): p.read_bytes()
        for p in tree.rglob("*")
        if p.is_file() and not p.relative_to(tree).as_posix().startswith("data/")
    }


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    made = tmp_path / "surgsigma"
    write_tree(made)
    refresh(made, sources=SOURCES)
    return made


def test_files_are_those_expected_and_the_same_anywhere(tree: Path, tmp_path: Path) -> None:
    names = {"README.md", "LICENSES.md", "croissant.json", "schema.json"}
    names |= {f"cards/{s}.md" for s in ("alpha", "beta", "toys")}
    names |= {f"cards/task_{p.task}.md" for p in PARTS}
    first = generated(tree)
    assert set(first) == names
    refresh(tree, sources=SOURCES)
    assert generated(tree) == first
    other = tmp_path / "elsewhere" / "another_name"
    write_tree(other, tuple(reversed(PARTS)))
    refresh(other, sources=SOURCES)
    assert generated(other) == first
    for data in first.values():
        assert str(tmp_path).encode() not in data
    assert first["schema.json"].decode() == schema_text()


def test_readme_front_matter(tree: Path) -> None:
    refresh(tree, sources=SOURCES, tasks={"phase_recognition": get_task("phase_recognition")})
    front, _ = card(tree)
    assert (front["license"], front["license_name"], front["license_link"]) == ("other", "by-source", "LICENSES.md")
    assert front["size_categories"] == ["n<1K"]
    assert front["language"] == ["en"]
    assert front["task_categories"] == ["visual-question-answering"]
    assert {"medical", "surgery", "image", "video", "text", "webdataset", "synthetic"} == set(front["tags"])
    assert front["surgsigma"] == {"format_version": FORMAT_VERSION}
    found = {i["config_name"]: {s["name"]: s["num_examples"] for s in i["splits"]} for i in front["dataset_info"]}
    assert found == counts()


def test_lists_are_counted(tree: Path) -> None:
    _, body = card(tree)
    listed = re.findall(r"^- `([a-z_-]+)`: (.+)$", body, flags=re.MULTILINE)
    parts = {name: re.findall(r"(\w+) (\d+) \([\d.]+ k?B, (\d+) videos?\)", said) for name, said in listed}
    assert {name: {s: int(n) for s, n, _ in splits} for name, splits in parts.items()} == counts()
    videos = {(name, s): int(v) for name, splits in parts.items() for s, _, v in splits}
    assert videos["phase_recognition", "train"] == 3
    assert videos["all", "train"] == 5
    total = sum(sum(p.shards) for p in PARTS)
    assert f"{total} samples of 7 surgeries, 3 tasks, 3 sources (2 recorded and 1 synthetic)" in body


def test_numbers_follow_a_smaller_build_and_old_cards_go(tree: Path) -> None:
    (tree / "cards" / "mine.md").write_text("written by hand")
    shutil.rmtree(tree / "data" / "video_question_answering")
    shutil.rmtree(tree / "data" / "phase_recognition" / "beta")
    refresh(tree, sources=SOURCES)
    names = {p.name for p in (tree / "cards").iterdir()}
    assert names == {
        "alpha.md", "toys.md", "mine.md", "task_phase_recognition.md", "task_instrument_segmentation.md"
    }  # fmt: skip
    front, body = card(tree)
    assert "beta" not in body
    assert "no surgery is in two different splits" in body
    assert "video" not in front["tags"]


def test_synthetic_sources_are_always_called_so(tree: Path) -> None:
    _, body = card(tree)
    for line in body.splitlines():
        if line.startswith("|") and "toys" in line and "`" not in line.split("|")[1]:
            assert "toys (synthetic)" in line, line
    assert "5 of the 19 samples are synthetic" in body
    assert "(synthetic)" in (tree / "cards" / "toys.md").read_text().splitlines()[2]
    assert "synthetic" in (tree / "cards" / "task_instrument_segmentation.md").read_text()


def test_a_purely_synthetic_tree_says_so_in_its_name(tmp_path: Path) -> None:
    write_tree(tmp_path, tuple(p for p in PARTS if p.source == "toys"))
    refresh(tmp_path, sources=SOURCES)
    front, body = card(tmp_path)
    assert front["pretty_name"] == "SurgSigma (synthetic)"
    assert front["license"] == "cc-by-4.0"
    assert "license_name" not in front
    assert "# SurgSigma (synthetic)" in body


def test_a_synthetic_source_without_a_loader_is_still_called_so(tmp_path: Path) -> None:
    write_tree(tmp_path)
    refresh(tmp_path, sources={})
    _, body = card(tmp_path)
    assert "toys (synthetic)" in body
    assert "cc-by-nc-sa-4.0" in body  # read from the samples


def test_leaks_are_counted_over_sources(tree: Path) -> None:
    _, body = card(tree)
    assert "1 surgery is in two different splits" in body
    assert "- alpha: test and beta: train: 1 (alpha/v2)" in body


def test_examples_are_real_samples_and_only_where_terms_allow(tree: Path) -> None:
    pages = [(tree / "cards" / f"task_{task}.md").read_text() for task in sorted({p.task for p in PARTS})]
    blocks = [dict(re.findall(r"^- `(\w+)`: (.+)$", page, re.MULTILINE)) for page in pages]
    assert [b["task"] for b in blocks] == sorted({p.task for p in PARTS})
    for page, block in zip(pages, blocks, strict=True):
        part = next(p for p in PARTS if p.task == block["task"] and p.source == block["source"])
        first = min((q for q in PARTS if (q.task, q.source) == (part.task, part.source)), key=lambda q: q.split)
        sample, _ = make_sample(first, 0)
        assert block["id"] == sample.id
        assert f"**Answer:** {plain(sample.messages[1].content)}" in page
        assert block["source"] != "alpha"  # alpha's terms forbid it, though it comes first
    shutil.rmtree(tree / "data" / "phase_recognition" / "beta")
    shutil.rmtree(tree / "data" / "phase_recognition" / "toys")
    refresh(tree, sources=SOURCES)
    text = (tree / "cards" / "task_phase_recognition.md").read_text()
    assert "Not shown, since the terms of alpha do not let us quote it" in text
    assert "Answer 0." not in text
    assert "not shown, for its terms" in card(tree)[1]


def test_licences_page_names_terms_and_access(tree: Path) -> None:
    text = (tree / "LICENSES.md").read_text()
    for info in SOURCES.values():
        assert info.license in text
        assert info.access_steps in text
        assert info.homepage in text
    assert "- **media**: may be passed on: no (unknown); what the terms say: no terms found; read in: none" in text


def test_a_path_among_the_options_stays_private(tmp_path: Path) -> None:
    manifest = write_tree(tmp_path, PARTS[:1])[0]
    for place in ("/home/someone/data", "~/data", "C:\\data"):
        hidden = replace(manifest, options={"root": place, "more": {"deep": [place]}, "seed": 7})
        write_atomic(tmp_path / manifest.path, hidden.dumps())
        refresh(tmp_path, sources=SOURCES)
        text = (tmp_path / "cards" / "alpha.md").read_text()
        assert place not in text
        assert "seed=7" in text


@pytest.mark.parametrize("name", ["surgsigma.py", "anything.py", ".huggingface.yaml", "dataset_infos.json"])
def test_files_that_break_loading_are_refused(tree: Path, name: str) -> None:
    before = generated(tree)
    (tree / name).write_text("")
    with pytest.raises(BuildError, match=name):
        refresh(tree, sources=SOURCES)
    assert {k: v for k, v in generated(tree).items() if k != name} == before


def test_strays_do_not_enter_the_card(tree: Path) -> None:
    before = (tree / "README.md").read_text().split("---\n", 2)[2]
    add_strays(tree)
    refresh(tree, sources=SOURCES)
    assert (tree / "README.md").read_text().split("---\n", 2)[2] == before


def test_a_missing_first_shard_is_named(tree: Path) -> None:
    (tree / "data/instrument_segmentation/toys/test-00000.tar").unlink()
    with pytest.raises(ShardError, match=r"instrument_segmentation/toys/test-00000\.tar"):
        refresh(tree, sources=SOURCES)


def test_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ShardError, match="surgsigma build"):
        refresh(tmp_path)


def test_cards_do_not_depend_on_videos_of_one_split_being_many(tmp_path: Path) -> None:
    videos = tuple(f"alpha/v{n}" for n in range(30))
    write_tree(
        tmp_path,
        (
            Part("phase_recognition", "alpha", "train", (1,), videos),
            Part("phase_recognition", "beta", "test", (1,), videos),
        ),
    )
    refresh(tmp_path, sources=SOURCES)
    _, body = card(tmp_path)
    assert "30 surgeries are in two different splits" in body
    assert all(v in body for v in videos)


def test_charts_name_labels_as_one_says_them(adapter_tree: Path) -> None:
    numbers = chart_numbers(gather(adapter_tree))
    said = {*numbers.labels, *(phase for moments in numbers.phases.values() for _, phase in moments)}
    assert "Calot's triangle dissection" in said and "clip applier" in said
    assert not [name for name in said if "_" in name]


def test_small_helpers() -> None:
    assert [size_category(n) for n in (999, 1000, 9_999, 10_000, 10**12)] == [
        "n<1K", "1K<n<10K", "1K<n<10K", "10K<n<100K", "n>1T"
    ]  # fmt: skip
    assert size_text(0) == "0 B"
    assert size_text(10**15) == "1000.0 TB"
    assert table(("a",), [("x|y",)]).splitlines()[2] == "| x\\|y |"
