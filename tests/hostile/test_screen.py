"""What reaches a screen or a page: names, keys, options, licences and errors of others are shown and never obeyed."""

from __future__ import annotations

import io
import json
import logging
import re
import shutil
import unicodedata
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.adapters.report import Tally, licenses_note
from surgsigma_hub.cli import main
from surgsigma_hub.cli.output import table, visible
from surgsigma_hub.hub import markdown
from surgsigma_hub.hub.cards import refresh
from surgsigma_hub.shards.frontmatter import split_card
from surgsigma_hub.shards.manifest import load_tree

from chatserver import Act, chat
from handmade import SHARD, entries, part, rewrite, save, small_tree

ACTS = "a\x1b[31mred\x1b]0;title\x07\u202etxt.exe\u200b\x9b2J\r\udcff"
PAGE = (
    "x</details><script>alert(1)</script>\n# Heading\n|cell| [click](http://evil.example) `code` https://evil.example"
)
ALLOWED = {"\n", "\t"}


def shown(*arguments: str) -> str:
    """What a command prints, on both of its streams; it must not act."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        main(list(arguments))
    text = out.getvalue() + err.getvalue()
    acting = {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")} - ALLOWED
    assert not acting, {f"U+{ord(c):04X}" for c in acting}
    return text


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree whose keys, texts, options and licences act."""
    made = small_tree(tmp_path / "tree")
    acting = ACTS.replace("\udcff", "")
    members = []
    for n, (sample, media) in enumerate(part(made)):
        one = replace(sample, license=acting, video_id=acting, modality=acting) if n else sample
        members += entries(one, media)
    rewrite(made, [*members, ("k\x1b[31m\u202e.json", b"{}")])
    manifest = next(m for m in load_tree(made) if m.split == "train" and m.task == "phase_recognition")
    save(made, replace(manifest, options={"note": acting, acting: PAGE}))
    return made


@pytest.mark.parametrize(
    "command",
    [
        ("validate", "{tree}"), ("validate", "{tree}", "--json"), ("info", "{tree}"), ("info", "{tree}", "--json"),
        ("info", "{tree}", "--answers"), ("export", "{tree}", "--format", "trl", "--out", "{out}"),
        ("preview", "{tree}", "--out", "{out}.png"), ("validate", "{shard}"), ("info", ACTS), ("build", ACTS),
        ("enrich", "{tree}", "--out", "{out}", "--endpoint", "http://127.0.0.1:9/v1", "--model", ACTS, "--dry-run"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_no_command_prints_what_a_terminal_obeys(tree: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    words = {"tree": str(tree), "out": str(tmp_path / "out"), "shard": str(tree / SHARD)}
    assert shown(*(word.format(**words) if "{" in word else word for word in command))


def test_json_is_still_json(tree: Path) -> None:
    assert json.loads(shown("validate", str(tree), "--json"))["problems"]


def test_an_endpoint_cannot_reach_the_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    tree = small_tree(tmp_path / "tree")
    first, *others = part(tree)
    trace = {"level": 1, "perceptual": "Nothing is in view.", "relational": None, "contextual": None}
    rewrite(tree, [*entries(*first, reasoning=trace), *(e for pair in others for e in entries(*pair))])
    body = {"error": {"message": f"no {ACTS.replace(chr(0xDCFF), '')}\nsurgsigma: all is well"}}
    with chat(lambda *_: Act(400, body)) as server:
        said = shown("enrich", str(tree), "--out", str(tmp_path / "o"), "--endpoint", server.url, "--model", "m")
    assert r"\x1b[31mred" in said and "\nsurgsigma: all is well" not in said


def test_log_records_are_escaped_too(capsys: pytest.CaptureFixture[str]) -> None:
    main(["tasks", "-v"])
    logging.getLogger("surgsigma_hub.x").warning("bad name %s", ACTS)
    assert r"bad name a\x1b[31mred" in capsys.readouterr().err


def test_a_cell_is_one_line() -> None:
    assert len(table(("a", "b"), [("x\ny", "z\x1b")]).splitlines()) == 3


@given(st.text())
def test_what_is_shown_does_not_act(text: str) -> None:
    assert all(unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co") or c in ALLOWED for c in visible(text))


# ------------------------------------------------------------------------------------------------------------ pages


def test_cards_show_options_and_licences_and_are_not_written_by_them(tmp_path: Path) -> None:
    tree = small_tree(tmp_path / "tree")
    for other in (tree / SHARD).parent.glob("test*"):  # so that the licence is that of the changed sample
        other.unlink()
    rewrite(tree, [e for made, media in part(tree) for e in entries(replace(made, license=PAGE), media)])
    manifest = next(m for m in load_tree(tree) if m.task == "phase_recognition")
    save(tree, replace(manifest, options={"note": PAGE, PAGE: [PAGE]}, videos=(*manifest.videos, "a|b<i>")))
    shutil.rmtree(tree / "data/instrument_segmentation")
    refresh(tree, sources={}, tasks={})  # of a source that is not known: what its samples say is all there is
    told = ""
    for page in [tree / "README.md", tree / "LICENSES.md", *(tree / "cards").glob("*.md")]:
        _, text = split_card(page.read_text("utf-8"), where=page.name)
        told += text
        text = re.sub(r"(?ms)^(`{3,})json$.*?^\1$|(`+) .*? \2", "", text)  # what code says is shown as it is
        assert "<script>" not in text and "\n# Heading" not in text and "](http://evil" not in text, page.name
        assert "://evil" not in text.replace("\\://evil", ""), f"{page.name} links to what an option says"
        assert not {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co")} - ALLOWED
    assert "Built with `` note=x</details><script>" in told, "the options are shown, as code"


def test_the_note_on_licences_of_an_export_is_plain_too() -> None:
    tally = Tally()
    tally.wrote({"task": "t", "source": PAGE, "license": PAGE}, "a.jsonl")
    text = licenses_note(tally)
    assert "\n# Heading" not in text and text.count("\n## ") == 1
    heading = next(line for line in text.splitlines() if line.startswith("## "))
    assert "<script>" not in heading.partition("(`")[0]


@given(st.text())
def test_text_in_a_table_is_one_cell_and_no_markup(text: str) -> None:
    line = markdown.table(("a",), [(text,)]).splitlines()[2:]
    assert len(line) == 1 and "<" not in line[0] and ">" not in line[0]
    bare = line[0].replace("\\\\", "")
    assert bare.count("|") - bare.count("\\|") == 2


@given(st.text())
def test_a_span_of_code_ends_where_it_should(text: str) -> None:
    span = markdown.code(text)
    assert "\n" not in span
    if span:
        fence = span[: len(span) - len(span.lstrip("`"))]
        assert span.endswith(fence) and fence not in span[len(fence) : -len(fence)].replace("`" * (len(fence) + 1), "")
