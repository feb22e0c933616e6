"""Which answers of a model are taken, and how requests and addresses are made; no network."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.enrich.client import Endpoint
from surgsigma_hub.enrich.judge import Refusal, cleaned, judge, levels_of
from surgsigma_hub.enrich.prompts import PROMPT_VERSION, Settings, asks_of, prompts, shown_messages
from surgsigma_hub.errors import EndpointError

CAPTION = (
    "This picture of laparoscopic cholecystectomy was taken during preparation. A grasper is retracting the "
    "gallbladder. The liver and the gallbladder can be seen. Safety criteria met: two structures."
)
GOOD = (
    "During preparation of a laparoscopic cholecystectomy, a grasper retracts the gallbladder beside the liver; of the "
    "safety criteria, two structures is met."
)


def doc(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": "a-1",
        "task": "image_captioning",
        "procedure": "laparoscopic_cholecystectomy",
        "media": [{"member": "image.jpg", "kind": "image", "role": "input"}],
        "messages": [
            {"role": "user", "content": "<image>\nWhat {is} shown?"},
            {"role": "assistant", "content": CAPTION},
        ],
        "answer": {
            "text": CAPTION, "labels": [], "triplets": [], "boxes": [], "criteria": [], "seconds": None,
        },
        "reasoning": {
            "level": 3, "perceptual": "A grasper is in view.", "relational": None,
            "contextual": "It is the preparation.",
        },
    }  # fmt: skip
    return {**made, **changes}


def agree(*_: object) -> None:
    return None


def test_good_texts_are_taken() -> None:
    assert judge(doc(), GOOD, "caption", agree) is None
    trace = "Level 1: In view there is a grasper.\nLevel 3: The operation is in its preparation."
    assert judge(doc(), trace, "reasoning", agree) is None
    assert judge(doc(), f"<think>{trace}</think>", "reasoning", agree) is None


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("empty", "  "),
        ("unchanged", CAPTION.replace(". ", ".  ")),
        ("too_short", "A grasper is in view."),
        ("too_long", GOOD * 6),
        ("control_tokens", f"{GOOD}<|im_end|>"),
        ("markup", f"**Caption** {GOOD}"),
        ("markup", f"- {GOOD}"),
        ("markup", f"<image> {GOOD}"),
        ("aside", f"As an AI, I see the following. {GOOD}"),
        ("aside", f"Sure! {GOOD}"),
        ("aside", f"Here is the rewritten caption: {GOOD}"),
        ("aside", "I'm sorry, but no description of surgery can be given here by me, whatever was asked for."),
        ("characters", "在腹腔镜胆囊切除术的准备阶段，抓钳牵拉胆囊，可以看到肝脏和胆囊，安全标准满足，" * 3),
        ("characters", "." * 100),
        ("path", f"{GOOD} See /home/me/pictures/a.jpg"),
        ("path", f"{GOOD} See https://example.org/a"),
        ("numbers", f"{GOOD} It is minute 12."),
        ("numbers", GOOD.replace("a grasper", "three graspers")),
    ],
)
def test_bad_captions_are_refused(code: str, text: str) -> None:
    refusal = judge(doc(), text, "caption", agree)
    assert refusal is not None and refusal.split(": ")[0] == code
    assert code in set(Refusal)


@pytest.mark.parametrize(
    "text",
    [
        "Level 1: In view there is a grasper.\nLevel 2: It retracts.\nLevel 3: The operation is in its preparation.",
        "Level 1: In view there is a grasper, and all is ready.",
        "In view there is a grasper; the operation is in its preparation.",
    ],
)
def test_levels_must_be_those_of_before(text: str) -> None:
    assert str(judge(doc(), text, "reasoning", agree)).startswith("levels: ")


def test_the_checker_has_the_last_word_and_is_not_asked_about_rubbish() -> None:
    asked: list[str] = []

    def refuse(_: object, text: str, what: str) -> str:
        asked.append(text)
        return f"hook: not among the facts of the {what}"

    assert judge(doc(), GOOD, "caption", refuse) == "claim: hook: not among the facts of the caption"
    assert str(judge(doc(), "", "caption", refuse)).startswith("empty")
    assert asked == [GOOD]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ('"A hook."', "A hook."),
        ("```text\nA hook.\n```", "A hook."),
        ("<think>It says hook.</think>\n\nA hook.", "A hook."),
        ("A  hook\nis in view.", "A hook is in view."),
        ('"A hook" and "a clip"', '"A hook" and "a clip"'),
    ],
)
def test_wrapping_is_taken_off(raw: str, text: str) -> None:
    assert cleaned(raw, "caption") == text


def test_thoughts_before_a_trace_are_no_trace() -> None:
    raw = "<think>Level 1: hm, a hook?</think>\nLevel 1: A grasper.\nLevel 3: Preparation."
    assert levels_of(cleaned(raw, "reasoning")) == ("A grasper.", None, "Preparation.")
    assert levels_of(cleaned("<think>Level 1: A grasper.</think>", "reasoning")) == ("A grasper.", None, None)


@given(st.text(), st.sampled_from(["caption", "reasoning"]))
def test_nothing_a_model_says_breaks_the_judge(text: str, what: Any) -> None:
    tidy = cleaned(text, what)
    refusal = judge(doc(), tidy, what, agree)
    assert refusal is None or refusal.split(": ")[0] in set(Refusal)


# ----------------------------------------------------------------------------------------------------- requests


def test_a_request_says_what_is_needed_and_nothing_else() -> None:
    caption, reasoning = asks_of(doc(), {"image.jpg": b"picture"}, Settings(model="m"))
    body = orjson.loads(caption.body)
    assert body["model"] == "m" and body["temperature"] == prompts()["parameters"]["temperature"]
    assert [role for role, _ in shown_messages(caption)] == ["system", "user"]
    text = shown_messages(caption)[1][1]
    assert CAPTION in text and "What {is} shown?" in text and "<image>" not in text and "a picture" in text
    assert "Level 1: A grasper is in view.\nLevel 3: It is" in shown_messages(reasoning)[1][1]
    assert b"a-1" not in caption.body and b"base64" not in caption.body
    assert list(asks_of(doc(task="phase_recognition"), {}, Settings(model="m", what=("caption",)))) == []


def test_the_digest_follows_model_words_and_parameters() -> None:
    def digest(settings: Settings, **changes: Any) -> str:
        return next(asks_of(doc(**changes), {"image.jpg": b"p"}, settings)).digest

    base = digest(Settings(model="m"))
    assert base == digest(Settings(model="m")) == digest(Settings(model="m"), id="b-2")
    others = [
        digest(Settings(model="n")),
        digest(Settings(model="m", images=True)),
        digest(Settings(model="m", parameters={"temperature": 1})),
        digest(Settings(model="m", parameters={"max_tokens": None})),
        digest(Settings(model="m"), procedure="hysterectomy"),
    ]
    assert len({base, *others}) == 6


def test_pictures_go_along_as_data() -> None:
    ask = next(asks_of(doc(), {"image.jpg": b"picture"}, Settings(model="m", images=True)))
    parts = orjson.loads(ask.body)["messages"][1]["content"]
    assert parts[1]["image_url"]["url"] == "data:image/jpeg;base64,cGljdHVyZQ=="
    assert "[image, " in shown_messages(ask)[1][1]
    assert PROMPT_VERSION == "v1" and prompts()["picture"] in shown_messages(ask)[0][1]


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://a/v1", "http://", "http://me:pw@a/v1", "http://a:x/v1"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(EndpointError) as failed:
        _ = Endpoint(url=url).address
    assert "pw" not in str(failed.value)


def test_the_path_may_be_given_and_a_query_is_not_shown() -> None:
    endpoint = Endpoint(url="https://a.example/v1/chat/completions?key=secret", key="hush")
    assert endpoint.address == "https://a.example/v1/chat/completions?key=secret"
    assert endpoint.shown == "https://a.example/v1/chat/completions"
    assert "hush" not in repr(endpoint)
