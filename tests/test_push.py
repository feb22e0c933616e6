"""push against a real server: what strangers read is what was built, and what may not go out stays at home."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import datasets
import pytest
import surgsigma_hub

from builds import digests
from conftest import FIXTURES
from hub_client import PYTHON, Client, waiting
from hub_server import TOKEN, Fault, HubServer
from pushing import REPO, TASKS, check_whole, honest

pytest_plugins = ["pushing"]
READ = """
import json, sys
from datasets import load_dataset
data = load_dataset(sys.argv[1], "phase_recognition", streaming=True)
print(json.dumps({split: [s["json"]["id"] for s in rows] for split, rows in data.items()}))
"""


def test_a_stranger_reads_what_was_pushed(hub: HubServer, client: Client, tree: Path, tmp_path: Path) -> None:
    done = client("push", REPO, tree, "--version", "v1")
    assert done.code == 0, done.text
    check_whole(hub, tree)
    assert hub.commits(REPO) == ["Data, part 1", "Cards", "README.md"]
    assert hub.head(REPO, "v1") == hub.head(REPO)
    receipt = json.loads((tree / ".push" / "org--surgsigma.json").read_text())
    assert receipt["commit"] == hub.head(REPO).oid and receipt["tag"] == "v1"
    pin = json.loads(hub.read(REPO, "pin.json"))
    assert pin["version"] == "v1" and pin["sources"]["synthetic"]["options"]
    assert TOKEN not in done.text + (tree / ".push" / "org--surgsigma.json").read_text()

    def read(name: str, home: str, cwd: Path) -> dict[str, list[str]]:
        env = hub.environment(tmp_path / home, token=None)
        cwd.mkdir(exist_ok=True)
        made = subprocess.run([PYTHON, "-c", READ, name], env=env, cwd=cwd, capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
        return json.loads(made.stdout)  # type: ignore[no-any-return]

    local = read("surgsigma", "local", tree.parent)
    assert sum(map(len, local.values())) > 10
    assert read(REPO, "fresh", tmp_path / "elsewhere") == local
    pointed = tmp_path / "pointed"
    pointed.mkdir()
    assert client("init", pointed / "surgsigma", "--repo", REPO).code == 0
    assert read("surgsigma", "pointer", pointed) == local


def test_a_dry_run_tells_and_changes_nothing(hub: HubServer, client: Client, tree: Path) -> None:
    before = {p: d for p, d in digests(tree).items() if not p.startswith(".push/")}
    done = client("push", REPO, tree, "--dry-run")
    assert done.code == 0 and "would be made" in done.out and "README.md" in done.out
    assert not [line for line in hub.log if not line.startswith("GET")] and not hub.store.repos
    assert {p: d for p, d in digests(tree).items() if not p.startswith(".push/")} == before
    plan = json.loads(client("push", REPO, tree, "--dry-run", "--json").out)
    assert plan["files"][-1] == "README.md" and plan["bytes"] > 0 and not plan["refusals"]


def test_what_is_there_is_not_sent_again(hub: HubServer, client: Client, tree: Path) -> None:
    assert client("push", REPO, tree).code == 0
    sent, commits = hub.uploaded, hub.commits(REPO)
    done = client("push", REPO, tree)
    assert done.code == 0 and "Nothing to send" in done.out
    assert (hub.uploaded, hub.commits(REPO)) == (sent, commits)


def test_a_tree_is_replaced_in_one_commit(hub: HubServer, client: Client, tree: Path, again: Path) -> None:
    assert client("push", REPO, tree).code == 0
    refused = client("push", REPO, again)
    assert refused.code == 2 and "--delete" in refused.err and "instrument_segmentation" in refused.err
    assert client("push", REPO, again, "--delete").code == 0
    assert hub.commits(REPO)[-1] == "Replace the tree" and len(hub.commits(REPO)) == 4
    check_whole(hub, again)


def test_a_large_replacement_is_merged_at_its_end(hub: HubServer, client: Client, tree: Path, again: Path) -> None:
    assert client("push", REPO, tree).code == 0
    client.constants |= {"hub.push.AT_ONCE": 3, "hub.push.BATCH": 5}
    hub.faults.append(Fault("POST .*/merge", "lost"))
    done = client("push", REPO, again, "--delete", "--version", "v2")
    assert done.code == 0, done.text
    main = hub.store.repos[REPO]
    assert len([c for c in main.history if c.title.startswith("Data, part")]) > 1
    assert main.at("v2") == main.at("main")
    mains, one = [], main.at("main")
    while one.parent:
        mains.append(one.title)
        one = main.commits[one.parent]
    assert [title.partition(",")[0] for title in mains] == ["Data v2", "README.md", "Cards", "Data"]
    honest(hub, main.at("main"))
    assert {p for p in main.at("main").files if p.endswith(".tar")} == {p for p in digests(again) if p.endswith(".tar")}


@pytest.mark.parametrize(
    "files",
    [
        {"README.md": b"# My own data\n"},
        {"README.md": b"---\nlicense: mit\nconfigs: []\n---\n"},
        {"train.csv": b"a,b\n"},
    ],
    ids=["a card", "a card with YAML", "data"],
)
def test_a_dataset_of_somebody_else_is_left_alone(
    hub: HubServer, client: Client, tree: Path, files: dict[str, bytes]
) -> None:
    hub.store.create(REPO, "org")
    hub.put(REPO, files)
    before = hub.head(REPO)
    done = client("push", REPO, tree)
    assert done.code == 2 and "left alone" in done.err
    assert hub.head(REPO) == before


def test_without_the_right_to_write_nothing_is_made(hub: HubServer, client: Client, tree: Path) -> None:
    done = client("push", "other/surgsigma", tree)
    assert done.code == 2 and "403" in done.err and "may write" in done.err
    assert not hub.store.repos


def test_private_and_gated_are_asked_for(hub: HubServer, client: Client, tree: Path) -> None:
    assert client("push", REPO, tree, "--private", "--gated", "manual").code == 0
    repo = hub.store.repos[REPO]
    assert repo.private and repo.gated == "manual"
    assert hub.log.index(f"PUT /api/datasets/{REPO}/settings") < hub.log.index(
        f"POST /api/datasets/{REPO}/commit/main"
    ), "gated before any data is there"


def test_a_tag_of_another_state_is_not_moved(hub: HubServer, client: Client, tree: Path, again: Path) -> None:
    assert client("push", REPO, tree, "--version", "v1").code == 0
    done = client("push", REPO, again, "--delete", "--version", "v1")
    assert done.code == 2 and "another commit" in done.err


def break_byte(tree: Path) -> None:
    path = sorted(tree.glob("data/*/*/*.tar"))[0]
    data = bytearray(path.read_bytes())
    data[-len(data) // 3] ^= 1
    path.write_bytes(data)


def break_card(tree: Path) -> None:
    with (tree / "README.md").open("a") as file:
        file.write("\nby hand\n")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (break_byte, "is not valid"),
        (break_card, "README.md is not what the tree's manifests give"),
        (lambda tree: sorted(tree.glob("data/*/*/*.tar"))[0].unlink(), "no such shard"),
        (lambda tree: sorted(tree.glob("catalog/*"))[0].unlink(), "there is no such file"),
        (lambda tree: shutil.rmtree(tree / "data"), "no built data"),
    ],
    ids=["a changed byte", "a stale card", "a missing shard", "a missing catalog", "no data"],
)
def test_a_tree_that_is_not_right_stays_at_home(
    hub: HubServer, client: Client, tree: Path, damage: object, said: str
) -> None:
    damage(tree)  # type: ignore[operator]
    done = client("push", REPO, tree)
    assert done.code == 2 and said in done.err, done.text
    assert "Traceback" not in done.err and not hub.store.repos


def test_terms_keep_a_source_at_home_until_its_rights_are_claimed(
    hub: HubServer, client: Client, tmp_path: Path
) -> None:
    out = tmp_path / "surgsigma"
    surgsigma_hub.build("copesd", root=FIXTURES / "copesd", out=out, tasks=["action_recognition"], max_quarantine=1.0)
    done = client("push", REPO, out)
    assert done.code == 2 and "copesd: media" in done.err and "no terms found for the pictures" in done.err
    assert "--i-hold-the-rights copesd" in done.err and not hub.store.repos
    dry = client("push", REPO, out, "--dry-run")
    assert dry.code == 1 and "Refused: copesd: media" in dry.out
    done = client("push", REPO, out, "--i-hold-the-rights", "copesd")
    assert done.code == 0, done.text
    assert json.loads(hub.read(REPO, "pin.json"))["rights_held_by_publisher"] == ["copesd"]
    assert json.loads((out / ".push/org--surgsigma.json").read_text())["rights_held_by_publisher"] == ["copesd"]


def test_labels_go_out_without_pictures_that_may_not(hub: HubServer, client: Client, tmp_path: Path) -> None:
    pytest.importorskip("imagehash", reason="needs the extra [join]: pip install 'surgsigma-hub[join]'")
    out = tmp_path / "surgsigma"
    surgsigma_hub.build("copesd", root=FIXTURES / "copesd", out=out, tasks=["action_recognition"], max_quarantine=1.0)
    for _ in range(2):  # the second time, all is there already
        done = client("push", REPO, out, "--annotations-only")
        assert done.code == 0, done.text
    files = hub.store.repos[REPO].at("main").files
    tars = [place for place in files if place.endswith(".tar")]
    assert len([place for place in files if place.startswith("join/")]) == len(tars) == 2
    assert not [place for place in tars if b"image.jpg" in hub.store.data(files[place])]
    assert b"surgsigma join copesd" in hub.read(REPO, "README.md")
    assert client("verify", REPO).code == 0
    (tmp_path / "surgsigma.public" / "data").rename(tmp_path / "gone")
    assert client("push", REPO, out, "--annotations-only").code == 2


def test_the_commands_of_the_readme_publish_a_tree_that_strangers_read(
    hub: HubServer, tree: Path, tmp_path: Path
) -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text("utf-8").partition("## Publish")[2]
    blocks = [block.split("\n```", 1)[0].replace("ORG", "org") for block in readme.split("```")[1:4:2]]
    demo, *lines, browse = [line.partition("#")[0].split()[1:] for line in blocks[0].splitlines()[1:]]
    assert demo == ["demo"]  # which the tree of these tests stands for, as it takes a minute
    with waiting(hub.environment(tmp_path / "home"), tree.parent) as publisher:
        for line in lines:
            done = publisher(*line)
            assert done.code == 0, done.text
    assert hub.head(REPO, "v1.0") == hub.head(REPO) and not hub.leaks
    assert browse[0] == "browse"
    stranger = f"""
from surgsigma_hub.browse.gallery import Filter, Gallery
gallery = Gallery({browse[1]!r})
shown = gallery.read(gallery.view(Filter(task="phase_recognition")).place(0))
{blocks[1].partition(chr(10))[2]}
print(shown.doc["id"] in {{s["json"]["id"] for rows in ds.values() for s in rows}}, len(shown.media))
"""
    env = hub.environment(tmp_path / "elsewhere", token=None)
    made = subprocess.run([PYTHON, "-c", stranger], env=env, cwd=tmp_path, capture_output=True, text=True)
    assert made.stdout == "True 1\n", made.stderr


def test_the_viewer_has_pictures_in_a_dataset_beside_it(
    hub: HubServer, client: Client, tree: Path, tmp_path: Path
) -> None:
    for _ in range(2):  # the second time, nothing is sent
        done = client("push", REPO, tree, "--viewer")
        assert done.code == 0, done.text
    companion = hub.store.repos[f"{REPO}-viewer"]
    assert [commit.title for commit in companion.history][-1] == f"Pictures of {REPO}"
    files = companion.at("main").files
    for place, entry in files.items():
        if place != ".gitattributes":
            (tmp_path / "viewer" / place).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "viewer" / place).write_bytes(hub.store.data(entry))
    rows = datasets.load_dataset(str(tmp_path / "viewer"), split="train", streaming=True)
    first = next(iter(rows))
    assert max(first["picture"].size) <= 256 and first["question"] and first["task"] in TASKS
    assert {row["id"] for row in rows} == {
        s["json"]["id"] for s in datasets.load_dataset(str(tree), "all", split="train", streaming=True)
    }
