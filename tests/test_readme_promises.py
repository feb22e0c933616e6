"""Each promise of the README is quoted here with the tests that hold it; a new promise needs an entry."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pytest
from surgsigma_hub.api import build
from surgsigma_hub.shards.manifest import load_tree
from surgsigma_hub.shards.reader import read_shard

from builds import SMALL

HERE = Path(__file__).parent
WORDS = re.compile(r"\b(?:never|any|nothing|whatever|always|exactly|depends?|every)\b", re.IGNORECASE)
"""Words that make a sentence of the README a promise."""

PROMISES: dict[str, tuple[str, ...]] = {
    "puts what any known benchmark tests on": ("test_leaks.py::test_leak_free_moves_what_a_benchmark_tests_on",),
    "The order follows from the data, the seed and the epoch, and from nothing else": (
        "test_stream_order.py::test_seeds_epochs_and_positions_matter",
        "test_stream_order.py::test_the_orders_are_what_they_were",
    ),
    "a run that was killed goes on exactly": (
        "test_stream_kill.py::test_killed_and_resumed",
        "test_stream_kill.py::test_killed_at_random_moments",
    ),
    "it gives the same order on any number of workers": (
        "test_stream_skip.py::test_workers_keep_the_order",
        "test_stream_order.py::test_ranks_and_workers_deal_the_order_out",
    ),
    "taken by their time of display, whatever the container": (
        "test_film_matrix.py::test_pyav_gives_the_frame_that_was_asked_for",
        "test_film_matrix.py::test_what_cannot_be_numbered_is_refused",
    ),
    "the bytes of a tree do not depend on the number of workers, on kills, on the x86-64 processor": (
        "test_build.py::test_bytes_do_not_depend_on_workers",
        "test_build.py::test_killed_at_five_random_moments_and_run_again",
        "test_same_bytes.py::test_a_whole_tree",
        "test_golden.py::test_shards_are_the_same_on_every_machine_and_in_every_heap",
    ),
    "They do depend on the versions of PyAV, Pillow and numpy": (
        "test_golden.py::test_a_shard_of_each_kind_is_the_one_of_the_repository",
    ),
    "nothing is written and the exit code is 1": (
        "test_build.py::test_above_the_limit_nothing_is_written",
        "test_build_again.py::test_every_quarantined_item_is_in_the_reports",
    ),
    "validation and test samples never do": (
        "test_readme_promises.py::test_validation_and_test_samples_are_not_joined_or_explained",
    ),
    "samples of their own, in every split": (
        "test_readme_promises.py::test_questions_with_an_answer_of_their_own_are_in_every_split",
    ),
    '"name every" and "none" come of the first kind alone': (
        "test_truth.py::test_f3_no_whole_is_asked_of_what_is_partly_labelled",
        "test_truth.py::test_f3_none_is_an_answer_of_whole_lists_alone",
    ),
    "where nothing is seen, there is none": ("test_reasoning_write.py::test_without_anything_seen_there_is_no_trace",),
    "Nothing at or after the cut-off of a planning task is in its clip": (
        "test_task_courses.py::test_the_next_action_begins_after_the_footage",
        "test_task_courses.py::test_the_time_left_is_asked_without_the_rest_of_the_action",
        "test_clips.py::test_a_cut_holds_the_frames_seen_within_it",
    ),
    "takes only what the checker accepts": (
        "test_enrich.py::test_true_text_is_taken_and_false_text_is_not",
        "test_enrich_judge.py::test_the_checker_has_the_last_word_and_is_not_asked_about_rubbish",
    ),
    "nothing leads out of a tree, an answer has a clock": (
        "test_strange_servers.py::test_the_deadline_holds_for_an_answer_that_trickles",
        "test_strange_servers.py::test_no_more_is_read_than_was_asked_for",
        "test_strange_servers.py::test_the_token_goes_to_the_scheme_host_and_port_of_the_base_only",
        "test_strange_hubs.py::test_a_listing_of_a_strange_hub_is_an_error_of_ours",
        "hostile/test_table.py::test_a_hostile_input_gets_its_verdict",
    ),
    "nothing is registered by hand": ("test_contract.py::test_a_built_tree_is_valid",),
    "A loader never mentions a task": ("test_imports.py::test_loaders_know_little",),
}

NONE = (
    "It ends with a sample of every task on the screen",
    "without any code of ours",
    "Others have a remedy here",
    "Every task is worded from at least 100 questions",  # counted by test_task_wordings.py
    "How every label is said",
    "Clips keep every n-th frame",
    "Configs are every task",
    "for every label; new concepts",
)
"""Begins or parts of sentences that use such a word and promise nothing, or are counted elsewhere."""


def sentences() -> list[str]:
    """The sentences of the README's prose that hold one of the words."""
    text = (HERE.parent / "README.md").read_text("utf-8")
    text = re.sub(r"```.*?```|<!-- tasks -->.*?<!-- /tasks -->", "", text, flags=re.DOTALL)
    text = "\n".join(line for line in text.splitlines() if not line.startswith(("|", "#")))
    parts = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text)]
    found = [one for part in parts for one in re.split(r"(?<=[.;:])\s+(?=[A-Z`])", part)]
    return [one for one in found if WORDS.search(one)]


def test_every_promise_of_the_readme_is_quoted_here() -> None:
    known = (*PROMISES, *NONE)
    new = [one for one in sentences() if not any(quote in one for quote in known)]
    assert not new, f"add to PROMISES of {Path(__file__).name}, with the tests that hold them: {new}"


@pytest.mark.parametrize("quote", [*PROMISES, *NONE])
def test_what_is_quoted_is_still_said(quote: str) -> None:
    assert any(quote in one for one in sentences()), f"the README no longer says it; mend or remove: {quote!r}"


@pytest.mark.parametrize("place", sorted({place for places in PROMISES.values() for place in places}))
def test_the_tests_that_hold_a_promise_are_there(place: str) -> None:
    file, _, name = place.partition("::")
    assert re.search(rf"^def {name}\(", (HERE / file).read_text("utf-8"), re.MULTILINE), f"no {name} in {file}"


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    """Of all splits, joined and explained wherever that is allowed."""
    tree = tmp_path_factory.mktemp("promises") / "tree"
    tasks = ["phase_recognition", "instrument_recognition", "instrument_localization", "action_recognition"]
    build("synthetic", out=tree, options=SMALL, tasks=tasks, joint=1.0, explained=1.0)
    found = []
    for manifest in load_tree(tree):
        for shard in manifest.shards:
            with (tree / manifest.folder / shard.name).open("rb") as file:
                found += [orjson.loads(members["json"]) for _, members in read_shard(file, where=shard.name)]
    return found


def test_validation_and_test_samples_are_not_joined_or_explained(samples: list[dict[str, object]]) -> None:
    changed = [s["split"] for s in samples if s["provenance"]["augmentation"]]  # type: ignore[index]
    assert len(changed) > 50 and set(changed) == {"train"}
    assert {len(s["messages"]) for s in samples if s["split"] != "train"} == {2}  # type: ignore[arg-type]


def test_questions_with_an_answer_of_their_own_are_in_every_split(samples: list[dict[str, object]]) -> None:
    asked = {(s["provenance"]["template"].split("/")[1], s["split"]) for s in samples}  # type: ignore[index]
    for kind in ("existence", "place"):
        assert {split for one, split in asked if one == kind} == {"train", "val", "test"}
