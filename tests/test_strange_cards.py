"""Cards of strangers: YAML without end, aliases of themselves, names and numbers that are none."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import surgsigma_hub
from surgsigma_hub.errors import ShardError, SurgSigmaError
from surgsigma_hub.hub.index import card_index
from surgsigma_hub.hub.pointer import init_pointer
from surgsigma_hub.shards.frontmatter import MAX_CARD, check_ours, split_card
from surgsigma_hub.streaming import RemoteOptions

from handmade import CARD, small_tree
from webserver import serve

LAUGHS = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30)
)
MERGES = "a0: &a0 {k: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [{','.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 30))
FRONTS = {
    "lists without end": "x: " + "[" * 100_000,
    "mappings without end": "x: " + "{a: " * 100_000,
    "deep by indent": "\n".join(" " * n + "a:" for n in range(2000)),
    "aliases that double": LAUGHS,
    "merges that double": MERGES,
    "an alias of itself": "a: &a [*a]",
    "an alias of what is around it": "a: &a {b: {c: *a}}",
    "an alias of nothing": "a: *b",
    "many values": "x: [" + "1," * 400_000 + "]",
    "a long number": "x: " + "9" * 10_000,
    "a long number in sixties": "x: " + "1:" * 8_000 + "1",
    "a longer value": "x: " + "a" * 20_000,
    "a date that is none": "x: 2001-99-99",
    "a true that is none": "x: !!bool maybe",
    "a number that is none": "x: !!int ''",
    "a tag that would run code": "x: !!python/object/apply:os.getcwd []",
    "a key that is a list": "? [1]\n: 2",
    "a key that is a mapping of itself": "? &a {*a : 1}\n: 2",
    "a tab": "a:\n\t- b",
    "a control character": "a: \x01",
    "two documents": "a: 1\n--- \nb: 2",
    "binary that is none": "x: !!binary '==='",
    "a list": "- 1",
    "a text": "hello",
    "nothing that ends": 'a: "',
}


@pytest.mark.parametrize("name", FRONTS)
def test_any_front_matter_is_values_or_an_error_of_ours(name: str) -> None:
    begin = time.process_time()
    try:
        front, _ = split_card(f"---\n{FRONTS[name]}\n---\n", where="card")
        check_ours(front, where="card")
    except ShardError as error:
        assert "card" in error.message and len(error.message) < 600
    else:
        pytest.fail("nothing of these is a card of ours")
    assert time.process_time() - begin < 60


def test_a_card_that_is_too_long_is_not_read() -> None:
    with pytest.raises(ShardError, match="are not read"):
        split_card("---\n" + "#" * MAX_CARD + "\n---\n", where="card")


def test_the_features_of_many_configs_are_still_read() -> None:
    shared = "features: &f\n" + "".join(f"- {{name: n{n}, dtype: string}}\n" for n in range(300))
    text = f"---\n{shared}all:\n" + "- *f\n" * 600 + "---\nbody"
    front, body = split_card(text, where="card")
    assert len(front["all"]) == 600 and front["all"][0] is front["features"] and body == "body"


OURS = "surgsigma: {format_version: '1.0'}\n"
GOOD = OURS + (
    "configs: [{config_name: a, data_files: [{split: train, path: data/a/b/train-*.tar}]}]\n"
    "dataset_info: [{config_name: a, splits: [{name: train, num_bytes: 1, num_examples: 1}]}]\n"
)
WRONG = {
    "no configs": OURS + "configs: []",
    "configs of numbers": OURS + "configs: [1]",
    "a config without name": GOOD.replace("config_name: a, data", "data"),
    "a name that climbs": GOOD.replace("config_name: a", "config_name: ../a"),
    "a name that is a list": GOOD.replace("config_name: a", "config_name: [a]"),
    "a split of two": GOOD.replace("train,", "[train, test],"),
    "a split that is text": GOOD.replace("name: train", "name: 'a b'").replace("split: train", "split: 'a b'"),
    "samples that are text": GOOD.replace("num_examples: 1", "num_examples: many"),
    "samples below none": GOOD.replace("num_examples: 1", "num_examples: -1"),
    "samples above all": GOOD.replace("num_examples: 1", f"num_examples: {10**300}"),
    "bytes that are a list": GOOD.replace("num_bytes: 1", "num_bytes: [1]"),
    "an info that is a number": GOOD.replace("dataset_info: [", "dataset_info: [3, "),
    "infos that are a number": OURS + GOOD.partition("dataset_info")[0].removeprefix(OURS) + "dataset_info: 7\n",
    "a path that climbs": GOOD.replace("data/a/b/train-*.tar", "data/../../x.tar"),
    "an absolute path": GOOD.replace("data/a/b/train-*.tar", "/etc/x.tar"),
    "a path to another dataset": GOOD.replace("data/a/b/train-*.tar", "hf://datasets/other/private/x.tar"),
    "a path that is a number": GOOD.replace("data/a/b/train-*.tar", "7"),
    "a path to another server": GOOD.replace("data/a/b/train-*.tar", "http://x/y.tar"),
    "a version that is a list": GOOD.replace("'1.0'", "[1, 0]"),
}


def test_the_good_one_is_good() -> None:
    assert card_index(f"---\n{GOOD}---\n", base="hf://datasets/o/n@c/", where="card").default == "a"


@pytest.mark.parametrize("name", WRONG)
def test_configs_of_another_form_are_refused(name: str, tmp_path: Path) -> None:
    text = f"---\n{WRONG[name]}\n---\n"
    with pytest.raises(ShardError, match="card"):
        card_index(text, base="hf://datasets/o/n@c/", where="card")
    if "hf://" in text:
        return  # a pointer card in a folder may lead to any dataset
    (tmp_path / "README.md").write_text(text)
    with pytest.raises(SurgSigmaError):
        surgsigma_hub.load_dataset(tmp_path, streaming=True)


@pytest.mark.parametrize("name", ["aliases that double", "an alias of itself", "a date that is none", "a list"])
def test_a_server_with_such_a_card(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    tree = small_tree(tmp_path)
    for text in (f"---\n{FRONTS[name]}\n---\n", CARD.replace("data/phase", "data/../phase"), "---\nconfigs: 7\n---\n"):
        (tree / "README.md").write_text(text)
        with serve(tree) as web, pytest.raises(ShardError):
            surgsigma_hub.stream(web.url, remote=RemoteOptions(timeout=1.0, deadline=2.0))


def test_a_card_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(b"---\n\xff\xfe\n---\n")
    with pytest.raises(ShardError, match="is not UTF-8"):
        surgsigma_hub.load_dataset(tmp_path, streaming=True)
    with pytest.raises(SurgSigmaError, match="no pointer card"):
        init_pointer("org/name", tmp_path)
