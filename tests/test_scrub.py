"""scrub --check finds what must not leave: metadata, marks of the machine, what looks like a patient's."""

from __future__ import annotations

import io
import platform
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

import av
import pyarrow.parquet as pq
import pytest
import surgsigma_hub
from PIL import Image, PngImagePlugin
from surgsigma_hub.cli import main
from surgsigma_hub.errors import SurgSigmaError
from surgsigma_hub.hub import scrub as scrubbing
from surgsigma_hub.hub.scrub import read_patterns, scrub_check
from surgsigma_hub.media.mp4_boxes import private_parts
from surgsigma_hub.shards.problems import Problem

from handmade import entries, film, jpeg, sample, tar_bytes


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "surgsigma"
    size = {"videos": "3", "frames": "16", "width": "64", "height": "48"}
    tasks = ["phase_recognition", "instrument_segmentation", "video_captioning"]
    surgsigma_hub.build("synthetic", out=out, tasks=tasks, options=size)
    return out


def found(data: bytes) -> list[Problem]:
    """What is found in one tar."""
    look = scrubbing._Look(read_patterns())
    with tempfile.NamedTemporaryFile(suffix=".tar") as file:
        file.write(data)
        file.flush()
        look.shard("shard.tar", Path(file.name))
    return look.notes.problems


def texts(**changes: object) -> bytes:
    return tar_bytes(entries(*sample(), **changes))


def test_what_a_build_writes_is_clean(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = scrub_check(built)
    assert report.ok, report.problems
    assert report.samples > 20
    assert any(b".video.mp4" in tar.read_bytes() for tar in built.rglob("*.tar")), "films are looked at too"
    assert main(["scrub", str(built), "--check"]) == 0
    assert "Nothing private found" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("MRN 00451234 was operated on.", "a record number"),
        ("Patient ID: AB12345", "a record number"),
        ("DOB unknown", "a date of birth"),
        ("Patient's name: withheld", "a name of a patient"),
        ("Dr. Mueller holds the hook.", "a person"),
        ("Recorded on 2019-04-23.", "a date"),
        ("Recorded on 23.04.2019.", "a date"),
        ("Ask jane.doe@example.org.", "an e-mail address"),
        ("Call +49 351 458 1234.", "a telephone number"),
        ("SSN 123-45-6789", "a social security number"),
        ("1.2.840.113619.2.55.3.604688", "a DICOM identifier"),
    ],
)
def test_a_text_that_may_lead_to_a_person_is_named(text: str, what: str) -> None:
    problems = found(texts(native={"labels": [], "question": text, "answer": None}))
    assert what in {p.what.split("holds ")[1].split(":")[0] for p in problems}


@pytest.mark.parametrize(
    "text",
    [
        "The box [0.667, 0.694, 0.865, 0.819] encloses the hook.",
        "In 3.5 to 12.25 seconds, at 1.2 times the size; 10/20/30 % of 1920 x 1080.",
        "Step 1.2.3 of 4: and/or 100-200-3000 frames, version 2.4.0.",
        "The doctor, Dr, sees frame 20190423 of 12345678.",
        "Call the phase preparation; the patient is not named.",
    ],
)
def test_plain_surgery_is_no_finding(text: str) -> None:
    assert not found(texts(native={"labels": [], "question": text, "answer": None}))


@pytest.mark.parametrize("id", ["rec-20190423_1412", "2019-04-23_lap", "OR3_20210102T091500"])
def test_an_id_that_is_a_time_stamp_is_named(id: str) -> None:
    assert [p.kind for p in found(texts(video_id=id))] == ["identifier"]
    assert not found(texts(video_id="synthetic-S000-V0001-000001"))


def test_names_of_this_machine_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "node", lambda: "theatre-ws-07.hospital.example")
    problems = found(texts(native={"labels": [], "question": "seen on theatre-ws-07", "answer": None}))
    assert [p.kind for p in problems] == ["machine"]


def png(**text: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    for key, value in text.items():
        info.add_text(key, value)
    out = io.BytesIO()
    Image.new("L", (64, 48)).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def tagged(metadata: Mapping[str, str]) -> bytes:
    """A film that says something of its making."""
    out = io.BytesIO()
    with av.open(io.BytesIO(film([(9, 9, 9)] * 3))) as source, av.open(out, "w", format="mp4") as copy:
        copy.metadata.update(metadata)
        stream = copy.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                copy.mux(packet)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        ("image.jpg", jpeg(exif=b"Exif\0\0II*\0\x08\0\0\0\0\0"), "APP1"),
        ("image.jpg", jpeg(comment=b"theatre 3"), "COM segment"),
        ("image.jpg", jpeg(icc_profile=b"profile of a camera"), "APP2"),
        ("target.png", png(Author="somebody"), "tEXt"),
        ("video.mp4", tagged({"title": "case 12"}), "nam in its user data"),
        ("video.mp4", tagged({"creation_time": "2019-04-23T10:00:00Z"}), "time in its mvhd box"),
    ],
)
def test_metadata_of_media_is_named(name: str, data: bytes, what: str) -> None:
    problems = found(tar_bytes([(f"a.{name}", data)]))
    assert any(what in p.what and p.kind == "metadata" for p in problems), problems


def test_an_empty_list_of_items_says_nothing() -> None:
    assert not list(private_parts(io.BytesIO(b""), 0))
    plain = tagged({})
    assert [part for part in private_parts(io.BytesIO(plain), len(plain)) if "too" not in part] == []


def test_headers_of_a_tar_say_nothing_of_who_wrote_it() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo("a.image.jpg")
        info.uname, info.uid, info.mtime, info.size = "jdoe", 1000, 1_700_000_000, len(jpeg())
        tar.addfile(info, io.BytesIO(jpeg()))
    said = " ".join(p.what for p in found(out.getvalue()))
    assert "a user: jdoe" in said and "a user number: 1000" in said and "a time: 1700000000" in said


def test_metadata_of_a_catalog_and_paths_in_a_manifest_are_named(built: Path, tmp_path: Path) -> None:
    tree = shutil.copytree(built, tmp_path / "tree")
    catalog = sorted(tree.glob("catalog/*"))[0]
    rows = pq.read_table(catalog)
    pq.write_table(rows.replace_schema_metadata({"pandas": "{}"}), catalog)
    manifest = sorted(tree.glob("data/*/*/*.manifest.json"))[0]
    manifest.write_text(manifest.read_text().replace('"options": {', '"options": {"root": "/data/jdoe/cholec80",', 1))
    report = scrub_check(tree)
    assert {p.kind for p in report.problems} == {"metadata", "path"}
    assert main(["scrub", str(tree), "--check", "--json"]) == 1


def test_patterns_of_ones_own_take_the_place_of_ours(tmp_path: Path) -> None:
    file = tmp_path / "ours.csv"
    file.write_text("name,where,pattern\na ward,text,Ward \\d+\n")
    assert [p.name for p in read_patterns(file)] == ["a ward"]
    file.write_text("name,where,pattern\na ward,text,(\n")
    with pytest.raises(SurgSigmaError, match=r"ours.csv line 2"):
        read_patterns(file)
    with pytest.raises(SurgSigmaError, match="cannot be read"):
        read_patterns(tmp_path / "none.csv")
