"""Programs in the environments of trainers, and what is asked of all trainers alike.

``python tests/trainers/run.py`` makes the environments and runs these tests. Without them the tests skip, and say so.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from surgsigma_hub.cli import main

from drawn import DARK, STEP, Still
from run import PLACE, ROOT

HERE = Path(__file__).parent
INSIDE = HERE / "inside"
"""What runs in them; it imports nothing of ours."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment that is there."""

    name: str
    folder: Path

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    def variables(self) -> dict[str, str]:
        """No network, and the shim for a torch without CUDA."""
        place = self.folder.parent
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "VIRTUAL_ENV"))},
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(INSIDE),
            "HF_HOME": str(place / "hf"),
            "HF_HUB_OFFLINE": "1",
            "MODELSCOPE_CACHE": str(place / "modelscope"),
            "CUDA_VISIBLE_DEVICES": "",
            "OMP_NUM_THREADS": "1",
            "TOKENIZERS_PARALLELISM": "false",
        }

    def run(self, *words: str | Path, cwd: Path | None = None, **variables: str) -> str:
        """What a command of the environment prints; its last lines are the failure, if it fails."""
        done = subprocess.run(
            [str(word) for word in words], cwd=cwd, env={**self.variables(), **variables},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            pytest.fail(f"{self.name}: {' '.join(map(str, words))[:300]} failed\n{done.stdout[-6000:]}", pytrace=False)
        return done.stdout

    def probe(self, name: str, out: Path, *words: Any, cwd: Path | None = None, **variables: str) -> list[Any]:
        """The lines of JSON that ``probe_<name>.py`` writes to ``out``, given ``words`` as JSON before it."""
        given = [word if isinstance(word, str) else json.dumps(word) for word in words]
        self.run(self.python, INSIDE / f"probe_{name}.py", *given, out, cwd=cwd, **variables)
        return [json.loads(line) for line in out.read_text("utf-8").splitlines()]


def environment(name: str) -> Environment:
    """An environment by name, or a skip that says how to make it."""
    place = os.environ.get(PLACE)
    found = Environment(name, Path(place).absolute() / name) if place else None
    if found is None or not (found.folder / "ready").is_file():
        pytest.skip(f"{name} is not installed: {PLACE} names no folder with it; python tests/trainers/run.py makes it")
    return found


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tree ``surgsigma`` in it, as ``surgsigma demo`` makes one, of two operations."""
    if PLACE not in os.environ:  # before any work: without environments nothing reads it
        pytest.skip(f"{PLACE} names no folder of environments; python tests/trainers/run.py makes them")
    folder = tmp_path_factory.mktemp("demo")
    assert main(["demo", "--videos", "2", "--out", str(folder / "surgsigma")]) == 0
    return folder


PUBLISHED = {"qwen2_5_vl": "Qwen2.5-VL-3B-Instruct", "qwen3_vl": "Qwen3-VL-4B-Instruct"}
"""ms-swift 4.6.0 tells the type of a model, and its template, from the name of its folder."""
BY_NUMBER = ("swift",)
"""Trainers that know the tokens of media by the numbers that these have in the published models."""


def tiny(where: Environment, family: str, folder: Path) -> Path:
    """A tiny model of a family, in a folder named as a published one, with a tokenizer of words of README.md."""
    made = folder / PUBLISHED[family]
    numbers = ["--published-numbers"] if where.name in BY_NUMBER else []
    where.run(where.python, INSIDE / "tiny_qwen.py", family, made, ROOT / "README.md", *numbers)
    return made


def readme(name: str, *, model: Path, **changes: str) -> str:
    """The lines of README.md for a trainer, with a tiny model in the place of the published one.

    Args:
        name: The word behind the language of the block.
        model: The tiny model.
        changes: By a word that stands once in the lines, what is written in its place.
    """
    (lines,) = re.findall(rf"^```\w+ {name}\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.M)
    for old, new in {"Qwen/Qwen2.5-VL-3B-Instruct": str(model), **changes}.items():
        assert lines.count(old) == 1, f"README.md says {old} otherwise; adapt the test"
        lines = lines.replace(old, new)
    return str(lines)


def follow(where: Environment, lines: str, home: Path, folder: Path) -> str:
    """What the lines print when they are typed in ``folder``, in which the tree of ``home`` lies."""
    (folder / "surgsigma").symlink_to(home / "surgsigma")
    path = os.pathsep.join([where.variables()["PATH"], str(Path(sys.executable).parent)])
    return where.run("bash", "-e", "-c", lines, cwd=folder, PATH=path)


def printed(text: str) -> list[str]:
    """The words of the line that an export printed for its trainer, within what was printed."""
    (line,) = [line for line in text.splitlines() if line.startswith("Train (")]
    return line.split(": ", 1)[1].split(", from inside ")[0].replace("...", "").split()


def answers(record: dict[str, Any]) -> list[str]:
    """What the assistant says in a record with ``conversations`` or ``messages``."""
    turns = record.get("conversations") or record["messages"]
    sides = [(turn.get("from") or turn["role"], turn.get("value") or turn["content"]) for turn in turns]
    return [text for side, text in sides if side in ("gpt", "assistant")]


def near(box: Sequence[float], drawn: Sequence[float], size: Sequence[int]) -> bool:
    """Whether a box in shares is at most a pixel from a drawn one in pixels of a picture of ``size``."""
    return all(abs(share * side - edge) <= 1 for share, edge, side in zip(box, drawn, (*size, *size), strict=True))


def frames_seen(levels: Sequence[float]) -> list[int]:
    """Numbers of the frames of a drawn clip that are seen."""
    return [round((grey - DARK) / STEP) for grey in levels]


Pair = tuple[dict[str, Any], dict[str, Any]]
"""A record of an export, and what a probe found of it."""
BOX = re.compile(r"\[([\d.]+), ([\d.]+), ([\d.]+), ([\d.]+)\]")


def check_answers(pairs: Sequence[Pair], reasoning: str) -> None:
    """Answers alone are learned, with their ends; traces where they are asked for; no medium is lost."""
    traces = 0
    for record, found in pairs:
        assert [text.rstrip("\n") for text in found["learned"]] == [f"{text}<|im_end|>" for text in answers(record)]
        for kind in ("images", "videos"):
            assert len(found[kind]) == len(record.get(kind) or ())
            assert found["text"].count(f"<|{kind[:-1]}_pad|>") == sum(medium["tokens"] for medium in found[kind])
        traces += "<think>" in "".join(found["learned"])
    assert traces > 50 if reasoning == "inline" else traces == 0


def check_boxes(pairs: Sequence[Pair], stills: Mapping[str, Still], family: str) -> set[tuple[int, int]]:
    """The box that is learned is the one that the model sees, to a pixel; gives the sizes that it sees."""
    sizes = set()
    for record, found in pairs:
        still, (picture,) = stills[record["id"]], found["images"]
        size = picture["size"]
        sizes.add((size[0], size[1]))
        assert near(still.box, picture["box"], size), "the picture is the drawn one, resized"
        (said,) = BOX.findall(found["learned"][0])
        units = size if family == "qwen2_5_vl" else (1000, 1000)
        shares = [float(number) / unit for number, unit in zip(said, (*units, *units), strict=True)]
        assert near(shares, picture["box"], size), (still, said, picture)
    return sizes


def check_times(pairs: Sequence[Pair], clips: Mapping[str, tuple[int, float]], family: str) -> None:
    """The times that a model is told are those of the frames that it sees, two a step.

    Qwen3-VL reads the middle of each step in the text; Qwen2.5-VL is told how many seconds all of them last alike.
    """
    for record, found in pairs:
        count, fps = clips[record["id"]]
        (clip,) = found["videos"]
        shown = frames_seen(clip["levels"])
        assert shown[0] == 0 and shown == sorted(shown) and shown[-1] < count
        if family == "qwen2_5_vl":
            assert found["seconds_per_step"] == pytest.approx([2 * count / fps / len(set(shown))], rel=0.01), record
            continue
        times = [float(seconds) for seconds in re.findall(r"<([\d.]+) seconds>", found["text"])]
        middles = [(a + b) / 2 / fps for a, b in zip(shown[::2], shown[1::2], strict=True)]
        assert times == pytest.approx(middles, abs=0.051), "written with one decimal"
