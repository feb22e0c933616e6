"""``surgsigma export``: files read again with plain tools and held against the tree; stops, refusals, the command."""

from __future__ import annotations

import dataclasses
import io
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import av
import pytest
import surgsigma_hub
from PIL import Image
from surgsigma_hub.adapters import FAMILIES, Boxes, Options, TrainerResize, all_adapters, exporting, get_adapter
from surgsigma_hub.adapters.exporting import Choice, export
from surgsigma_hub.adapters.report import ExportReport
from surgsigma_hub.cli import main
from surgsigma_hub.errors import BuildError, ShardError, SurgSigmaError, UnknownNameError
from surgsigma_hub.streaming import Frames, StreamSample

from adaptertree import read_back, textual
from builds import digests
from trainer_rules import READERS, REWARDED
from webserver import serve

NAMES = sorted(name for name, adapter in all_adapters().items() if not adapter.targets)
FILMS = Options(frames=Frames(count=3))


def flat(values: list[Any]) -> list[str]:
    return [v for value in values for v in (value if isinstance(value, list) else [value])]


@pytest.mark.parametrize("name", NAMES)
def test_files_hold_what_the_tree_holds(
    name: str, adapter_tree: Path, adapter_items: list[StreamSample], tmp_path: Path
) -> None:
    adapter = get_adapter(name)
    report = export(adapter_tree, adapter, out=tmp_path / "out", options=FILMS)
    records = {r["id"]: r for r in read_back(tmp_path / "out")}
    wanted = [
        i for i in adapter_items if textual(i) and not (name in REWARDED and i.sample["task"].endswith("captioning"))
    ]
    assert set(records) == {i.key for i in wanted} and len(wanted) == report.records == sum(report.files.values())
    assert report.tasks == dict(sorted(Counter(i.sample["task"] for i in wanted).items()))
    left = Counter(i.sample["task"] for i in adapter_items) - Counter(i.sample["task"] for i in wanted)
    assert sum(map(Counter, report.left_out.values()), Counter()) == left and left
    named: set[str] = set()
    for item in wanted:
        read = READERS[name](records[item.key])
        inputs = [m for m in item.sample["media"] if m["role"] == "input"]
        paths = flat(read.images + read.videos)
        named |= set(paths)
        assert all(p.startswith("media/") for p in paths)
        if adapter.videos[0] == "frames" and any(m["kind"] == "video" for m in inputs):
            assert len(paths) == len(set(paths)) == min(3, inputs[0]["num_frames"])
            continue
        for path, medium in zip(paths, inputs, strict=True):
            assert (tmp_path / "out" / path).read_bytes() == item.media[medium["member"]]
    files = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out" / "media").rglob("*") if p.is_file()}
    assert files == named, "every file is named by a record, and none is missing"
    assert len(files) == report.media_files < len(wanted), "a frame that several samples show is written once"
    for path in files:
        if path.endswith(".mp4"):
            with av.open(str(tmp_path / "out" / path)) as film:
                assert film.streams.video[0].frames > 1
        else:
            with Image.open(tmp_path / "out" / path) as image:
                image.load()
    note = (tmp_path / "out" / "LICENSES.md").read_text("utf-8")
    assert "cc0-1.0" in note and f"{report.records:,} records" in note
    assert not (tmp_path / "out" / ".export").exists()
    assert str(tmp_path) not in (tmp_path / "out" / "export.json").read_text("utf-8")


def test_frames_are_those_of_the_film(adapter_tree: Path, adapter_items: list[StreamSample], tmp_path: Path) -> None:
    export(
        adapter_tree, get_adapter("trl"), out=tmp_path / "out", options=FILMS, choice=Choice(config="video_captioning")
    )
    films = {i.key: i.media["video.mp4"] for i in adapter_items if i.sample["task"] == "video_captioning"}
    for record in read_back(tmp_path / "out"):
        with av.open(io.BytesIO(films[record["id"]])) as film:
            frames = [f.to_image() for f in film.decode(video=0)]
        picked = [frames[i] for i in Frames(count=3).choose(len(frames), 10)]
        picked = list({id(frame): frame for frame in picked}.values())  # each once
        for path, frame in zip(record["images"], picked, strict=True):
            with Image.open(tmp_path / "out" / path) as image:
                pairs = zip(image.convert("RGB").tobytes(), frame.tobytes(), strict=True)
                assert sum(abs(a - b) for a, b in pairs) / len(frame.tobytes()) < 4, "JPEG at 95, no other frame"


def test_dataset_info_names_what_is_there(adapter_tree: Path, tmp_path: Path) -> None:
    options = Options(system="Be brief.")
    choice = Choice(config=("phase_recognition", "step_recognition"), split="train")
    report = export(adapter_tree, get_adapter("sharegpt"), out=tmp_path / "out", options=options, choice=choice)
    info = json.loads((tmp_path / "out" / "dataset_info.json").read_text("utf-8"))
    ((name, entry),) = info.items()
    records = json.loads((tmp_path / "out" / entry["file_name"]).read_text("utf-8"))
    assert len(records) == report.records and name in report.how
    assert entry["formatting"] == "sharegpt"
    assert all(column in record for column in entry["columns"].values() for record in records)


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("sharegpt", Options(boxes="qwen3_vl"), "--template qwen3_vl_nothink"),
        ("sharegpt", Options(boxes="qwen3_vl", reasoning="inline"), "--template qwen3_vl_nothink"),
        ("sharegpt", Options(boxes="qwen2_5_vl"),
         "--template qwen2_vl --image_min_pixels 1024 --image_max_pixels 589824"),
        ("sharegpt", Options(boxes=dataclasses.replace(FAMILIES["qwen2_5_vl"], before=TrainerResize(10**6)),
                             model="qwen2_5_vl"), "--image_max_pixels 1000000"),
        ("swift", Options(boxes="objects"), "QWENVL_BBOX_FORMAT=new swift sft"),
        ("swift", Options(boxes="qwen2_5_vl"), "MIN_PIXELS=3136 MAX_PIXELS=12845056 swift sft"),
        ("qwen", Options(boxes="qwen2_5_vl"), "--min_pixels 3136 --max_pixels 12845056"),
    ],
)  # fmt: skip
def test_the_line_of_the_trainer_says_what_the_records_need(
    name: str, options: Options, told: str, adapter_tree: Path, tmp_path: Path
) -> None:
    choice = Choice(config="instrument_localization", limit=3)
    report = export(adapter_tree, get_adapter(name), out=tmp_path / "out", options=options, choice=choice)
    assert told in report.how and "{" not in report.how.replace('{"annotation_path"', "")
    assert bool(report.notes) == (options.convention.resize is not None)
    assert all("train and ask with these bounds" in note for note in report.notes)


@pytest.mark.parametrize(("name", "setting"), [("sharegpt", "--video_fps 1"), ("swift", "FPS=1 ")])
def test_frames_tell_their_rate(name: str, setting: str, adapter_tree: Path, tmp_path: Path) -> None:
    """A list of frames is taken to be shot at one rate, 2 a second unless told: clips of 2 s and of 14 s alike."""

    def made(frames: Frames, out: str) -> ExportReport:
        options = Options(video="frames", frames=frames)
        return export(adapter_tree, get_adapter(name), out=tmp_path / out, options=options)

    timed = "action_remaining_prediction"
    at_one_rate = made(Frames(rate=1.0), "rate")
    assert setting in at_one_rate.how and not at_one_rate.notes and timed in at_one_rate.tasks
    few = made(Frames(count=2), "few")
    assert setting not in few.how and few.left_out["time"] == {timed: at_one_rate.tasks[timed]}
    (note,) = few.notes
    assert "Use --video file, or --fps" in note and "1 frames a second" in note


@pytest.mark.slow
def test_json_lines_can_be_read_in_blocks(adapter_tree: Path, tmp_path: Path) -> None:
    """``datasets`` fixes the columns and their types with the first block of a file."""
    import datasets

    for name, options in {
        "swift": Options(boxes="objects", reasoning="inline"),
        "trl": Options(reasoning="separate", frames=Frames(count=2)),
        "grpo": Options(boxes="qwen2_5_vl", frames=Frames(count=2)),
    }.items():
        out = tmp_path / name
        report = export(adapter_tree, get_adapter(name), out=out, options=options)
        assert len(report.files) == {"swift": 3}.get(name, 1)
        for file, count in report.files.items():
            loaded = datasets.load_dataset(
                "json", data_files=str(out / file), split="train", streaming=True, chunksize=4096
            )
            assert sum(1 for _ in loaded) == count


def test_a_part_each(adapter_tree: Path, tmp_path: Path) -> None:
    qwen = get_adapter("qwen")
    export(adapter_tree, qwen, out=tmp_path / "all")
    parts = [export(adapter_tree, qwen, out=tmp_path / str(n), choice=Choice(part=(n, 3))) for n in (1, 2, 3)]
    whole = sorted(r["id"] for r in read_back(tmp_path / "all"))
    assert sorted(r["id"] for n in (1, 2, 3) for r in read_back(tmp_path / str(n))) == whole
    assert all(part.records for part in parts)
    few = export(adapter_tree, qwen, out=tmp_path / "few", choice=Choice(limit=7, prefix="/data/"))
    records = read_back(tmp_path / "few")
    assert few.records == 7 == len(records) and few.media_files <= 7
    assert [r["id"] for r in records] == [r["id"] for r in read_back(tmp_path / "all")][:7]
    assert all(
        flat(READERS["qwen"](r).images + READERS["qwen"](r).videos)[0].startswith("/data/media/") for r in records
    )
    assert len({r["task"] for r in records}) > 1, "the order mixes tasks"


def test_no_task_drowns_the_others(adapter_tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def tasks(*more: str) -> dict[str, int]:
        out = tmp_path / str(len(list(tmp_path.iterdir())))
        call = ["export", str(adapter_tree), *more, "--format", "llava", "--out", str(out), "--json"]
        assert main(call) == 0
        found: dict[str, int] = json.loads(capsys.readouterr().out)["tasks"]
        assert found == dict(sorted(Counter(r["task"] for r in read_back(out)).items()))
        return found

    every = tasks()
    assert tasks("--per-task", "20") == {task: min(20, n) for task, n in every.items()}
    few = tasks("phase_recognition", "tissue_localization", "--per-task", "7")
    assert few == {"phase_recognition": 7, "tissue_localization": 7}
    mixed = tasks("--weights", "phase_recognition=3,tissue_localization=1")
    assert abs(mixed["phase_recognition"] - 3 * mixed["tissue_localization"]) <= 3
    call = ["export", str(adapter_tree), "phase_recognition", "--format", "llava", "--out", str(tmp_path / "no")]
    assert main([*call, "--weights", "phase_recognition=1,tissue_localization=0"]) == 2
    assert main([*call, "--weights", "phase_recognition=1,phase_recognition=2"]) == 2
    assert "stands twice" in capsys.readouterr().err
    assert main([*call, "--weights", "step_recognition=1,tissue_localization=1"]) == 2
    assert "weights name the configs themselves" in capsys.readouterr().err
    assert not (tmp_path / "no").exists()


def test_a_finished_export_is_left_alone_and_another_one_refused(adapter_tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    choice = Choice(config="phase_recognition")
    first = export(adapter_tree, get_adapter("llava"), out=out, choice=choice)
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*")}
    again = export(adapter_tree, get_adapter("llava"), out=out, choice=choice)
    assert again.published() == first.published()
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*")} == before
    others: list[tuple[str, Options, Choice]] = [
        ("qwen", Options(), choice),
        ("llava", Options(boxes=Boxes("norm1000")), choice),
        ("llava", Options(reasoning="inline"), choice),
        ("llava", Options(), Choice(config="step_recognition")),
        ("llava", Options(), Choice(config="phase_recognition", limit=3)),
        ("llava", Options(), Choice(config="phase_recognition", where={"source": "synthetic"})),
    ]
    for name, options, other in others:
        with pytest.raises(BuildError, match="another export"):
            export(adapter_tree, get_adapter(name), out=out, options=options, choice=other)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("mine")
    with pytest.raises(BuildError, match="no export of this package"):
        export(adapter_tree, get_adapter("llava"), out=foreign)
    assert [p.name for p in foreign.iterdir()] == ["thesis.txt"]


def test_nothing_to_write(adapter_tree: Path, tmp_path: Path) -> None:
    with pytest.raises(SurgSigmaError, match="cannot hold"):
        export(adapter_tree, get_adapter("trl"), out=tmp_path / "out", choice=Choice(config="depth_estimation"))
    assert not (tmp_path / "out").exists()
    with pytest.raises(UnknownNameError):
        export(adapter_tree, get_adapter("trl"), out=tmp_path / "out", choice=Choice(config="depth_estimaton"))
    with pytest.raises(SurgSigmaError, match="part 4 of 3"):
        export(adapter_tree, get_adapter("trl"), out=tmp_path / "out", choice=Choice(part=(4, 3)))
    assert not (tmp_path / "out").exists()


FEW = Choice(where={"task": ["phase_recognition", "video_captioning", "tissue_localization"]})


@pytest.fixture(scope="module", params=["sharegpt", "swift", "verl"])
def uncut(request: pytest.FixtureRequest, adapter_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of the few that nobody stopped; the folder has the name of the format."""
    out = tmp_path_factory.mktemp("uncut") / str(request.param)
    export(adapter_tree, get_adapter(out.name), out=out, choice=FEW)
    return out


@pytest.mark.parametrize("stop", range(1, 6))
def test_stopped_anywhere_it_ends_with_the_same_bytes(
    uncut: Path, stop: int, adapter_tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_EVERY", 40)
    adapter = get_adapter(uncut.name)
    places = {1: (exporting, "write_atomic", 3), 2: (exporting.RecordFiles, "add", 95), 3: (exporting, "finish", 1),
              4: (exporting, "licenses_note", 1), 5: (exporting, "write_json", 1)}  # fmt: skip
    owner, what, nth = places[stop]
    real, calls = getattr(owner, what), iter(range(1, 10**6))

    def dying(*args: Any, **kwargs: Any) -> Any:
        if next(calls) == nth:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(owner, what, dying)
        with pytest.raises(KeyboardInterrupt):
            export(adapter_tree, adapter, out=tmp_path / "cut", choice=FEW)
    assert not (tmp_path / "cut" / "export.json").exists()
    with pytest.raises(BuildError, match="another export"):
        export(adapter_tree, get_adapter("llava"), out=tmp_path / "cut", choice=FEW)
    report = export(adapter_tree, adapter, out=tmp_path / "cut", choice=FEW)
    assert report.resumed
    assert digests(tmp_path / "cut") == digests(uncut)


def test_a_damaged_medium_stops_it_and_a_repair_lets_it_go_on(adapter_tree: Path, tmp_path: Path) -> None:
    choice = Choice(config="phase_recognition")
    export(adapter_tree, get_adapter("qwen"), out=tmp_path / "whole", choice=choice)
    tree = tmp_path / "tree"
    shutil.copytree(adapter_tree, tree)
    tar = next((tree / "data" / "phase_recognition").rglob("*-train-*.tar"))
    good = tar.read_bytes()
    at = good.rindex(b"\xff\xd9") - 20  # inside the last picture
    tar.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
    with pytest.raises(ShardError, match="sha256"):
        export(tree, get_adapter("qwen"), out=tmp_path / "out", choice=choice)
    assert not (tmp_path / "out" / "export.json").exists()
    tar.write_bytes(good)
    assert export(tree, get_adapter("qwen"), out=tmp_path / "out", choice=choice).resumed
    assert digests(tmp_path / "out") == digests(tmp_path / "whole")


def test_command(adapter_tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    call = ["export", str(adapter_tree), "--format", "sharegpt", "--out", str(out), "--model", "qwen2_5_vl",
            "--max-pixels", "50176", "--reasoning", "inline", "--where", "reasoning_level=1,2,3"]  # fmt: skip
    assert main([*call, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["records"] == len(read_back(out)) and set(report["left_out"]) == {"target", "video_boxes"}
    assert all("<think>" in r["conversations"][-1]["value"] for r in read_back(out))
    assert main(call) == 0
    said = capsys.readouterr().out
    assert "instrument_segmentation" in said and "cannot hold" in said and "llamafactory-cli" in said
    assert "--template qwen2_vl --image_min_pixels 1024 --image_max_pixels 50176" in said
    assert "Note: Boxes are in pixels of the image as LLaMA-Factory resizes images" in said
    away = ["export", str(adapter_tree), "--format", "swift", "--out", str(tmp_path / "b")]
    assert main([*away, "--reasoning", "separate"]) == 2
    assert "ms-swift drops a trace that stands apart" in capsys.readouterr().err
    assert main([*away, "--frames", "4", "--fps", "2"]) == 2 == main([*away, "--fps", "0"])
    assert "not a number above 0" in capsys.readouterr().err
    assert main([*call, "--limit", "3"]) == 2
    assert "another export" in capsys.readouterr().err
    assert (
        main(["export", str(adapter_tree), "--format", "trl", "--out", str(tmp_path / "b"), "--max-pixels", "9"]) == 2
    )
    assert "--model qwen2_5_vl" in capsys.readouterr().err
    assert main(["export", str(adapter_tree), "--format", "trl", "--out", str(tmp_path / "b"), "--part", "3/2"]) == 2
    assert main(["export", "--help"]) == 0
    said = capsys.readouterr().out
    assert "examples:" in said and ",".join(all_adapters()) in said.replace("\n", "")


def test_choices_of_the_command_are_the_vocabulary() -> None:
    from surgsigma_hub.adapters import FAMILIES
    from surgsigma_hub.cli import exporting as command

    assert sorted(FAMILIES) == sorted(command._FAMILIES)
    assert sorted(command._FORMATS) == sorted(all_adapters())


def test_the_tree_is_only_read(adapter_tree: Path, tmp_path: Path) -> None:
    before = digests(adapter_tree)
    export(adapter_tree, get_adapter("qwen"), out=tmp_path / "out")
    assert digests(adapter_tree) == before
    assert len(list(surgsigma_hub.stream(adapter_tree, "all", decode="bytes"))) > 100


def test_from_a_server_as_from_the_folder(adapter_tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    choice = Choice(config=("phase_recognition", "video_captioning"))
    export(adapter_tree, get_adapter("swift"), out=tmp_path / "near", choice=choice)
    with serve(adapter_tree) as web:
        export(web.url, get_adapter("swift"), out=tmp_path / "far", choice=choice)
    assert digests(tmp_path / "far") == digests(tmp_path / "near")
