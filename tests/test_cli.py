"""The command line in-process: exit codes, messages, JSON, help."""

from __future__ import annotations

import json
import sys
import types
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import surgsigma_hub.api
from surgsigma_hub.building.report import footage_report
from surgsigma_hub.building.scope import Difference
from surgsigma_hub.cli import GROUPS, commands, main
from surgsigma_hub.cli.building import python_line
from surgsigma_hub.cli.output import table
from surgsigma_hub.errors import SurgSigmaError
from surgsigma_hub.schema import FORMAT_VERSION, schema_text

from handmade import small_tree

ROOT = Path(__file__).parent.parent
NAMES = tuple(sorted(commands()))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return small_tree(tmp_path / "surgsigma")


@dataclass(frozen=True)
class FakeRow:
    task: str = "phase_recognition"
    source: str = "synthetic"
    split: str = "train"
    samples: int = 1200
    media: int = 1200
    bytes: int = 5 * 2**20


@dataclass(frozen=True)
class FakeReport:
    ok: bool = True
    rows: tuple[FakeRow, ...] = (FakeRow(), FakeRow(split="test"))
    quarantined: dict[str, int] = field(default_factory=lambda: {"label_unknown": 3, "media_missing": 40})
    quarantined_by_video: dict[str, dict[str, int]] = field(default_factory=lambda: {"VID01": {"media_missing": 40}})
    examples: dict[str, tuple[dict[str, str], ...]] = field(default_factory=dict)
    seconds: float = 1.5
    clipped_boxes: int = 2
    agreement: dict[str, dict[str, int]] = field(default_factory=dict)
    refused: tuple[object, ...] = ()
    footage: dict[str, Any] = field(default_factory=lambda: footage_report({}))
    quarantine_file: str = "reports/x.quarantine.jsonl.gz"
    difference: Difference = field(default_factory=Difference)
    dry_run: bool = False
    moved: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {"ok": self.ok, "quarantined": self.quarantined}


# -------------------------------------------------------------------------------------------------- help, usage


def test_every_module_with_commands_is_in_the_help() -> None:
    folder = ROOT / "surgsigma_hub" / "cli"
    with_commands = {path.stem for path in folder.glob("*.py") if "\nCOMMANDS = (" in path.read_text("utf-8")}
    assert with_commands == set(GROUPS), "add the module to GROUPS in surgsigma_hub/cli/__init__.py"
    assert len(GROUPS) == len(set(GROUPS)) and "demo" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_help_of_every_command_has_examples_of_that_command(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "examples:" in shown and f"\n  surgsigma {name}" in shown
    assert max(map(len, shown.splitlines())) <= 130


@pytest.mark.parametrize("name", NAMES)
def test_examples_parse(name: str) -> None:
    import shlex

    from surgsigma_hub.cli import make_parser

    for line, _ in commands()[name].examples:
        words = shlex.split(line.split(" > ")[0])
        assert words[0] == "surgsigma"
        assert make_parser(commands()).parse_args(words[1:]).command == name


def test_json_is_where_it_was_promised() -> None:
    promised = {
        "bench",
        "sources",
        "tasks",
        "info",
        "build",
        "depth",
        "warrants",
        "enrich",
        "export",
        "validate",
        "schema",
        "push",
        "verify",
        "repack",
        "join",
        "scrub",
        "leaks",
        "ontology",
        "duplicates",
    }
    assert {n for n, c in commands().items() if c.json} == promised


def test_no_command_shows_the_help_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "surgsigma demo" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert "surgsigma-hub" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("biuld synthetic", "Did you mean 'build'"),
        ("-v valdate x", "Did you mean 'validate'"),
        ("info phase_recognitoin", "Did you mean 'phase_recognition'"),
        ("ontology hok", "Did you mean 'hook'"),
        ("ontology --kind phases", "Did you mean 'phase'"),
        ("ontology --source cholec8", "Did you mean 'cholec80'"),
        ("build x --shard-size big", "256MB"),
        ("build x --max-quarantine 3", "percentage"),
        ("build x --option scheme", "KEY=VALUE"),
        ("build x --workers 0", "at least 1"),
        ("build", "SOURCE"),
        ("init", "--repo"),
        ("validate nowhere", "nowhere: no such file or folder"),
        ("preview nowhere", "nowhere: no such file or folder"),
        ("schema --check nowhere.json", "nowhere.json"),
        ("schema --check a --write b", "not allowed with"),
        ("tasks --matirx", "--matirx"),
    ],
)
def test_wrong_calls_end_with_2_and_a_message(line: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == 2
    caught = capsys.readouterr()
    assert words in caught.err
    assert caught.out == "" and "Traceback" not in caught.err


def test_an_empty_folder_is_no_tree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("info", "validate", "preview"):
        assert main([command, str(tmp_path)]) == 2
        assert "no built data" in capsys.readouterr().err


# ---------------------------------------------------------------------------------------------- checking, looking


def test_validate_a_good_tree(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(tree)]) == 0
    caught = capsys.readouterr()
    assert caught.out.startswith("OK: 15 samples") and caught.err == ""


def test_validate_a_bad_tree(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for shard in sorted((tree / "data/phase_recognition/synthetic").glob("*.tar")):
        shard.write_bytes(shard.read_bytes()[:3000])
    assert main(["validate", str(tree), "--show", "2"]) == 1
    shown = capsys.readouterr().out
    assert shown.count("\nerror: ") + shown.startswith("error: ") == 2
    assert "INVALID" in shown and "more (--show N" in shown
    assert main(["validate", str(tree), "--json"]) == 1
    made = json.loads(capsys.readouterr().out)
    assert made["ok"] is False and len(made["problems"]) == made["counts"]["errors"] > 4
    assert {"where", "what", "expected", "kind", "severity"} == set(made["problems"][0])


def test_preview(tree: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["preview", str(tree), "--count", "2"]) == 0
    assert (tree.parent / "surgsigma-preview.png").is_file()
    assert "2 samples" in capsys.readouterr().out
    monkeypatch.chdir(tree)
    assert main(["preview", ".", "--count", "1"]) == 0
    assert "1 sample\n" in capsys.readouterr().out
    assert not list(tree.glob("*.png")), "a picture must not land in the tree"


def test_preview_of_one_shard(tree: Path, tmp_path: Path) -> None:
    shard = str(tree / "data/phase_recognition/synthetic/train-00000.tar")
    assert main(["preview", shard, "--out", str(tmp_path / "x.png"), "--count", "1"]) == 0
    assert (tmp_path / "x.png").is_file()


def test_schema_of_the_repository_is_the_one_in_use() -> None:
    assert main(["schema", "--check", str(ROOT / "schema.json")]) == 0


def test_schema_prints_writes_and_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert capsys.readouterr().out == schema_text()
    file = tmp_path / "schema.json"
    assert main(["schema", "--write", str(file)]) == 0
    assert main(["schema", "--check", str(file)]) == 0
    file.write_text(schema_text().replace("canonical_video_id", "canonical_vid"))
    capsys.readouterr()
    assert main(["schema", "--check", str(file)]) == 1
    assert '+    "canonical_video_id"' in capsys.readouterr().out.replace("      ", "    ")
    assert main(["schema", "--check", str(file), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["format_version"] == FORMAT_VERSION


# ------------------------------------------------------------------------------------------- building, by a stand-in


def _stand_in(monkeypatch: pytest.MonkeyPatch, made: object) -> dict[str, Any]:
    calls: dict[str, Any] = {}

    def build(source: str, **given: Any) -> object:
        calls.update(given, source=source)
        if isinstance(made, BaseException):
            raise made
        return made

    monkeypatch.setattr(surgsigma_hub.api, "build", build, raising=False)
    return calls


def test_build_hands_everything_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    calls = _stand_in(monkeypatch, FakeReport())
    line = (
        "build cholect50 --root in --out out --task a --task b --split train --workers 3 --engine ray "
        "--address head:6379 --option x=1 --option y=a=b --seed 5 --jpeg-quality 80 --shard-size 1GB "
        "--max-quarantine 10%"
    )
    assert main(line.split()) == 0
    assert calls == {
        "source": "cholect50", "root": Path("in"), "out": Path("out"), "tasks": ["a", "b"], "splits": ["train"],
        "workers": 3, "engine": "ray", "address": "head:6379",
        "options": {"x": "1", "y": "a=b"}, "seed": 5, "jpeg_quality": 80, "shard_bytes": 2**30,
        "clip_fps": 10.0, "clip_side": 480, "frame_side": None, "joint": 0.2, "explained": 0.2, "style": "varied",
        "layout": "tasks", "split_policy": "official", "smoke": 0.0, "depth": None, "warrants": None,
        "even_clips": False, "max_quarantine": 0.1, "dry_run": False, "pictures": False, "progress": False,
    }  # fmt: skip
    shown = capsys.readouterr().out
    assert "2,400" in shown and "10.5 MB" in shown
    assert shown.index("media_missing") < shown.index("label_unknown")


def test_build_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = _stand_in(monkeypatch, FakeReport())
    assert main(["build", "synthetic"]) == 0
    assert calls["out"] == Path("surgsigma") and calls["shard_bytes"] == 256 * 2**20 and calls["tasks"] is None


def test_build_above_the_limit_ends_with_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _stand_in(monkeypatch, FakeReport(ok=False, rows=()))
    assert main(["build", "synthetic"]) == 1
    assert "FAILED" in capsys.readouterr().out
    assert main(["build", "synthetic", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_errors_hint_debug_and_interrupt(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _stand_in(monkeypatch, SurgSigmaError("no such thing", hint="Try another."))
    assert main(["build", "synthetic"]) == 2
    assert capsys.readouterr().err == "surgsigma: error: no such thing\n  Try another.\n"
    for line in (["--debug", "build", "synthetic"], ["build", "synthetic", "--debug"]):
        assert main(line) == 2
        assert "Traceback" in capsys.readouterr().err
    _stand_in(monkeypatch, KeyboardInterrupt())
    assert main(["build", "synthetic"]) == 130
    assert "run the same command again to go on" in capsys.readouterr().err
    _stand_in(monkeypatch, PermissionError(13, "Permission denied", "out/x"))
    assert main(["build", "synthetic"]) == 2
    assert capsys.readouterr().err == "surgsigma: error: out/x: Permission denied\n"


def test_demo_shows_samples_and_the_line_to_go_on(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = _stand_in(monkeypatch, FakeReport(rows=(FakeRow(), FakeRow(task="instrument_segmentation"))))
    monkeypatch.chdir(tree.parent)
    assert main(["demo", "--videos", "3"]) == 0
    assert (
        calls["options"] == {"videos": "3", "frames": "40"}
        and calls["source"] == "synthetic"
        and calls["out"] == Path("surgsigma")
    )
    shown = capsys.readouterr().out
    assert 'load_dataset("surgsigma", "phase_recognition", streaming=True)' in shown
    assert "Q: Which phase is this?" in shown and "A: Preparation." in shown and "<image>" not in shown
    assert "target.png (target)" in shown and "instrument_segmentation/synthetic/train-00000.tar" in shown
    assert (tree.parent / "surgsigma-preview.png").is_file()
    assert main(["validate", "surgsigma"]) == 0


def test_demo_runs_from_another_folder(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _stand_in(monkeypatch, FakeReport())
    assert main(["demo", "--out", str(tree)]) == 0
    assert (tree.parent / "surgsigma-preview.png").is_file()
    assert f'load_dataset("{tree.as_posix()}", "x"' in python_line(tree.as_posix(), "x")


def test_init_hands_everything_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[object] = []
    stand_in = types.ModuleType("surgsigma_hub.hub.pointer")

    def init_pointer(*given: object) -> str:
        calls.append(given)
        return "c0ffee"

    stand_in.init_pointer = init_pointer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "surgsigma_hub.hub.pointer", stand_in)
    assert main(["init", "there", "--repo", "ORG/NAME", "--revision", "v1"]) == 0
    assert calls == [("ORG/NAME", Path("there"), "v1")]
    shown = capsys.readouterr().out
    assert 'load_dataset("there"' in shown and "c0ffee" in shown


@pytest.mark.slow
def test_the_real_demo_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--out", "made", "--videos", "1"]) == 0
    assert (tmp_path / "made-preview.png").is_file()
    assert main(["validate", "made"]) == 0
    assert main(["info", "made"]) == 0


def test_tables_line_up() -> None:
    made = table(("name", "n"), [("a", 1200), ("longer", None)], total=("total", 1200)).splitlines()
    assert made == ["name        n", "------  -----", "a       1,200", "longer", "------  -----", "total   1,200"]
    assert table(("name",), []) == "(none)"


def test_a_closed_pipe_is_no_error(tree: Path) -> None:
    import subprocess

    code = "import sys; from surgsigma_hub.cli import main; sys.exit(main(['schema']))"
    one = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert one.stdout and one.stderr
    one.stdout.close()
    assert one.stderr.read() == b""
    assert one.wait() == 0
