"""Every defect is named with its place, and none of them stops the check."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from surgsigma_hub.errors import ShardError
from surgsigma_hub.records import Sample
from surgsigma_hub.shards.sample_checks import check
from surgsigma_hub.shards.validate import validate

from handmade import SHARD, entries, jpeg, mask, only, part, rewrite, sample, small_tree, write_part

JSON_LEAF = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.text(max_size=3)
FIELD = st.sampled_from([f.name for f in fields(Sample)] + ["boxes", "role", "kind", "member", "content"])


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return small_tree(tmp_path / "surgsigma")


def test_a_good_tree_has_no_problem_and_is_counted(tree: Path) -> None:
    report = validate(tree)
    assert report.ok
    assert report.problems == ()
    assert report.counts == {
        "shards": 5, "samples": 15, "media": 18, "videos": 4, "errors": 0, "warnings": 0,
        "bytes": sum(p.stat().st_size for p in tree.rglob("*.tar")),
    }  # fmt: skip
    assert orjson.loads(orjson.dumps(report.as_dict()))["ok"] is True


def test_one_good_shard_with_and_without_its_manifest(tree: Path, tmp_path: Path) -> None:
    assert validate(tree / SHARD).problems == ()
    alone = tmp_path / "x.tar"
    alone.write_bytes((tree / SHARD).read_bytes())
    report = validate(alone)
    assert report.problems == ()
    assert report.counts["samples"] == 4


@pytest.mark.parametrize("missing", ["nowhere", "empty"])
def test_nothing_to_check_is_an_error(tmp_path: Path, missing: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ShardError, match=missing):
        validate(tmp_path / missing)


# --------------------------------------------------------------------------------------- defects of one sample

BAD_FIELDS: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown field": ({"extra": 1}, "schema", "extra"),
    "wrong type": ({"frame_index": "7"}, "schema", r"\$\.frame_index"),
    "box outside": (
        {"answer": {"text": "x", "labels": [], "triplets": [], "criteria": [], "seconds": None,
                    "boxes": [{"label": "hook", "x1": 0.1, "y1": 0.1, "x2": 1.2, "y2": 0.5}]}},
        "schema", r"boxes\[0\]\.x2",
    ),
    "box inside out": (
        {"answer": {"text": "x", "labels": [], "triplets": [], "criteria": [], "seconds": None,
                    "boxes": [{"label": "hook", "x1": 0.6, "y1": 0.1, "x2": 0.2, "y2": 0.5}]}},
        "box", r"boxes\[0\]",
    ),
    "box upside down": (
        {"answer": {"text": "x", "labels": [], "triplets": [], "criteria": [], "seconds": None,
                    "boxes": [{"label": "hook", "x1": 0.1, "y1": 0.5, "x2": 0.2, "y2": 0.5}]}},
        "box", r"boxes\[0\]",
    ),
    "tag missing": (
        {"messages": [{"role": "user", "content": "What?"}, {"role": "assistant", "content": "It."}]},
        "messages", "0 <image> tags",
    ),
    "tag twice": (
        {"messages": [{"role": "user", "content": "<image><image>What?"}, {"role": "assistant", "content": "It."}]},
        "messages", "2 <image> tags",
    ),
    "roles": (
        {"messages": [{"role": "user", "content": "<image>a"}, {"role": "user", "content": "b"}]},
        "messages", "roles",
    ),
    "last is user": (
        {"messages": [{"role": "user", "content": "<image>a"}, {"role": "assistant", "content": "b"},
                      {"role": "user", "content": "c"}]},
        "messages", "roles",
    ),
    "id differs": ({"id": "another"}, "key", "another"),
    "absolute path": ({"native": {"labels": ["/home/ann/data/x.png"], "question": None, "answer": None}},
                      "path", r"native\.labels\[0\].*/home/ann"),
    "newer version": ({"format_version": "9.0"}, "version", r"9\.0"),
    "licence": ({"license": "cc-by-nc-4"}, "license", "unknown licence id 'cc-by-nc-4'"),
    "size": ({"width": 65}, "size", "64 x 48"),
    "time": ({"end_seconds": 0.5, "start_seconds": 1.0}, "time", "before"),
    "media not stored": ({"media": []}, "media", "does not name it"),
    "other task": ({"task": "step_recognition"}, "place", "step_recognition"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_FIELDS)
def test_a_bad_field_is_named_with_shard_and_key(tree: Path, name: str) -> None:
    changes, kind, words = BAD_FIELDS[name]
    samples = part(tree)
    bad = samples[1][0].id
    rewrite(tree, [e for made, media in samples for e in entries(made, media, **(changes if made.id == bad else {}))])
    report = validate(tree)
    assert not report.ok
    hits = [p for p in report.problems if p.kind == kind]
    assert hits, report.problems
    assert all(p.where == f"{SHARD}:{bad}" for p in report.problems)
    assert any(re.search(words, p.what) for p in hits), hits
    assert all(p.expected for p in hits)
    assert report.counts["samples"] == 15


def test_a_missing_field_is_named(tree: Path) -> None:
    samples = part(tree)
    members = [e for made, media in samples for e in entries(made, media)]
    doc = orjson.loads(members[0][1])
    del doc["license"]
    rewrite(tree, [(members[0][0], orjson.dumps(doc)), *members[1:]])
    assert "license" in only(validate(tree), "schema").what


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[]", b""])
def test_json_that_is_none(tree: Path, content: bytes) -> None:
    members = [e for made, media in part(tree) for e in entries(made, media)]
    rewrite(tree, [(members[0][0], content), *members[1:]])
    problem = only(validate(tree), "json")
    assert problem.where.startswith(SHARD)


def _with_media(tree: Path, change: Callable[[dict[str, bytes]], dict[str, bytes]], *, same_hash: bool = False) -> None:
    members = []
    for n, (made, media) in enumerate(part(tree)):
        if n == 0:
            media = change(dict(media))
            if same_hash:
                entry = {**orjson.loads(orjson.dumps(made.media[0]))}
                entry["sha256"] = hashlib.sha256(media["image.jpg"]).hexdigest()
                members += entries(made, media, media=[entry])
                continue
        members += entries(made, media)
    rewrite(tree, members)


def test_media_named_but_absent(tree: Path) -> None:
    _with_media(tree, lambda media: {})
    assert "'image.jpg', which is not in the tar" in only(validate(tree), "media").what


def test_media_present_but_not_named(tree: Path) -> None:
    _with_media(tree, lambda media: {**media, "target.png": mask()})
    assert "'target.png' is in the tar" in only(validate(tree), "media").what


def test_media_with_another_hash(tree: Path) -> None:
    _with_media(tree, lambda media: {"image.jpg": jpeg((1, 2, 3))})
    assert "sha256" in only(validate(tree), "sha256").what


EXIF = Image.Exif()
EXIF[0x010F] = "a camera"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (jpeg(exif=EXIF), r"APP1 segment (EXIF)"),
        (jpeg(comment=b"ward 7"), "COM segment"),
        (jpeg(icc_profile=b"x" * 40), "APP2"),
        (jpeg() + b"hidden", "behind the end marker"),
    ],
)
def test_metadata_in_a_jpeg(tree: Path, data: bytes, words: str) -> None:
    _with_media(tree, lambda media: {"image.jpg": data}, same_hash=True)
    assert words in only(validate(tree), "metadata").what


def test_progressive_and_optimised_jpegs_are_clean(tree: Path) -> None:
    noise = Image.effect_noise((64, 48), 80).convert("RGB")
    out = io.BytesIO()
    noise.save(out, "JPEG", progressive=True, optimize=True, restart_marker_blocks=2)
    _with_media(tree, lambda media: {"image.jpg": out.getvalue()}, same_hash=True)
    assert validate(tree).by_kind.keys() <= {"manifest"}  # only media_bytes differs


@pytest.mark.parametrize("data", [b"", b"not a picture", mask(), jpeg()[:-40]])
def test_a_member_that_is_no_whole_jpeg(tree: Path, data: bytes) -> None:
    _with_media(tree, lambda media: {"image.jpg": data}, same_hash=True)
    assert "image.jpg" in only(validate(tree), "media").what


# ------------------------------------------------------------------------------------------ defects of a tar


@pytest.mark.parametrize("keep", [100, 512, 700, 1024, 5000, 9000])
def test_a_cut_tar_is_named(tree: Path, keep: int) -> None:
    path = tree / SHARD
    path.write_bytes(path.read_bytes()[:keep])
    report = validate(tree)
    assert any(p.kind == "tar" and "cut" in p.what and p.where.startswith(SHARD) for p in report.problems)
    assert {p.what.split(" of ")[0] for p in report.problems if p.kind == "manifest"} >= {"bytes", "sha256", "samples"}
    assert report.counts["shards"] == 5  # the others were checked all the same


def test_any_changed_byte_is_named(tree: Path) -> None:
    path = tree / SHARD
    whole = path.read_bytes()
    for at in range(0, len(whole), 487):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x5A]) + whole[at + 1 :])
        report = validate(path)
        assert any(p.kind == "manifest" and "sha256" in p.what for p in report.problems), at


def test_a_broken_header_does_not_hide_what_follows(tree: Path) -> None:
    path = tree / SHARD
    data = bytearray(path.read_bytes())
    with tarfile.open(path) as tar:
        second = tar.getmembers()[2]
    data[second.offset] ^= 0x5A
    path.write_bytes(data)
    report = validate(path)
    problem = only(report, "tar")
    assert f"at byte {second.offset}" in problem.where and "damaged member header" in problem.what
    assert report.counts["samples"] == 4  # the picture of the second sample is left, without its JSON
    assert "no JSON member" in only(report, "json").what


@pytest.mark.parametrize(("name", "words"), [("../x", "leaves"), ("/etc/x.json", "leaves"), ("a/b.json", "folder")])
def test_a_member_outside_is_named(tree: Path, name: str, words: str) -> None:
    members = [e for made, media in part(tree) for e in entries(made, media)]
    rewrite(tree, [*members[:2], (name, b"x"), *members[2:]])
    problem = only(validate(tree), "tar")
    assert name in problem.where and words in problem.what


def test_links_and_folders_are_named(tree: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        link = tarfile.TarInfo("a.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        for name, data in (e for made, media in part(tree) for e in entries(made, media)):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    rewrite(tree, out.getvalue())
    report = validate(tree)
    assert "no plain file" in only(report, "tar").what
    assert report.counts["samples"] == 15


def test_a_key_with_a_dot_is_named(tree: Path) -> None:
    members = [e for made, media in part(tree) for e in entries(made, media)]
    key = members[0][0].removesuffix(".json")
    dotted = [(n.replace(key, f"{key}.5"), d) for n, d in members[:2]]
    rewrite(tree, [*dotted, *members[2:]])
    found = [p for p in validate(tree).problems if p.kind == "key"]
    assert f"key '{key}.5' has a dot" in found[0].what
    assert found[0].where == f"{SHARD}:{key}.5"


def test_unknown_members_and_members_twice_and_apart(tree: Path) -> None:
    members = [e for made, media in part(tree) for e in entries(made, media)]
    rewrite(tree, [*members[:2], (members[0][0].replace(".json", ".txt"), b"x"), members[1], *members[2:], members[0]])
    whats = [p.what for p in validate(tree).problems if p.kind == "tar"]
    assert any("unknown member" in w for w in whats)
    assert any("occurs twice" in w and "image.jpg" in w for w in whats)
    assert any("its members are apart" in w for w in whats)


def test_long_names_of_foreign_tars_are_read(tmp_path: Path) -> None:
    made, media = sample(video="v" * 30)
    out = io.BytesIO()
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=form) as tar:
            for name, data in entries(made, media):
                info = tarfile.TarInfo(name.replace("synthetic-", "synthetic-" + "w" * 40))
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        (tmp_path / "x.tar").write_bytes(out.getvalue())
        report = validate(tmp_path / "x.tar")
        assert report.counts["samples"] == 1 and report.counts["media"] == 1
        assert set(report.by_kind) == {"key"}  # id differs, as names were stretched


@settings(max_examples=60)
@given(st.data())
def test_no_damage_stops_the_check_or_passes_it(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        write_part(tree, [[sample(n) for n in range(2)]])
        path = tree / SHARD
        whole = path.read_bytes()
        kind = data.draw(st.sampled_from(["flip", "cut", "insert", "zero", "swap"]))
        at = data.draw(st.integers(0, len(whole) - 1))
        size = data.draw(st.integers(1, 1500))
        changed = {
            "flip": whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :],
            "cut": whole[:at],
            "insert": whole[:at] + bytes(range(256)) * (size // 256 + 1) + whole[at:],
            "zero": whole[:at] + bytes(size) + whole[at + size :],
            "swap": whole[at:] + whole[:at],
        }[kind]
        path.write_bytes(changed)
        assert validate(tree).ok == (changed == whole)
        validate(path)
        (tree / "alone.tar").write_bytes(changed)
        validate(tree / "alone.tar")


@settings(max_examples=200)
@given(st.recursive(JSON_LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELD, inner, max_size=6)))
def test_no_json_stops_the_check(value: Any) -> None:
    made, media = sample()
    doc = {**orjson.loads(orjson.dumps(made)), **value} if isinstance(value, dict) else value
    _, findings = check(made.id, {"json": orjson.dumps(doc), **media})
    assert findings or isinstance(value, dict)


@pytest.mark.parametrize("data", [b"", b"x" * 3000, b"\0" * 511, jpeg()])
def test_files_that_are_no_tar(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.tar").write_bytes(data)
    assert not validate(tmp_path / "x.tar").ok
