"""A Qwen-VL of a few hundred thousand random weights with its processor, made from a config: nothing is downloaded.

Run in the environment of a trainer: ``python tiny_qwen.py qwen2_5_vl FOLDER TEXTS``. The tokenizer knows the special
tokens of the published models and learns words from the file TEXTS, so that sequences are about as long as real ones.
With ``--published-numbers`` these tokens have the numbers of there, which some trainers know them by.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

_NAMES = "im_start im_end object_ref_start object_ref_end box_start box_end quad_start quad_end vision_start vision_end"
SPECIAL = [f"<|{name}|>" for name in ("endoftext", *_NAMES.split(), "vision_pad", "image_pad", "video_pad")]
TAGS = ["<think>", "</think>"]
"""Tokens, but not special ones, as in Qwen3: decoding keeps them."""
FIRST = 151_643
"""Number of the first special token of the published models; the others follow in this order."""

CHAT_TEMPLATE = """\
{%- for message in messages -%}
{{ '<|im_start|>' + message['role'] + '\n' }}
{%- if message['content'] is string -%}{{ message['content'] }}
{%- else -%}
{%- for part in message['content'] -%}
{%- if part['type'] == 'image' -%}<|vision_start|><|image_pad|><|vision_end|>
{%- elif part['type'] == 'video' -%}<|vision_start|><|video_pad|><|vision_end|>
{%- else -%}{{ part['text'] }}{%- endif -%}
{%- endfor -%}
{%- endif -%}
{{ '<|im_end|>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}
"""

WIDTH, HEADS, LAYERS = 64, 4, 2
TEXT = {
    "hidden_size": WIDTH,
    "intermediate_size": 2 * WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "num_key_value_heads": 2,
    "max_position_embeddings": 32768,
    "tie_word_embeddings": True,
}
ROPE = {"mrope_section": [2, 3, 3], "rope_type": "default", "rope_theta": 1e6}
"""The sections add up to half of the width of a head."""


def filled(tokenizer: Any) -> Any:
    """The same words, and such as no text has, up to the number of the first special token."""
    told = json.loads(tokenizer.to_str())
    words = told["model"]["vocab"]
    words.update({f" unused {n}": n for n in range(len(words), FIRST)})
    return Tokenizer.from_str(json.dumps(told))


def make_tokenizer(texts: Path, *, published: bool) -> Any:
    """Byte-level BPE with the special tokens of Qwen-VL."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1500, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train([str(texts)], trainer)
    if published:
        tokenizer = filled(tokenizer)
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.add_tokens(TAGS)
    return transformers.Qwen2TokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<|endoftext|>",
        eos_token="<|im_end|>",
        unk_token=None,
        additional_special_tokens=SPECIAL[1:],
        padding_side="right",
        model_max_length=32768,
    )


def make_model(family: str, tokenizer: Any) -> Any:
    """Random weights that follow from a seed."""
    tokens = {f"{n}_token_id": tokenizer.convert_tokens_to_ids(f"<|{n}_pad|>") for n in ("image", "video")}
    tokens |= {f"vision_{n}_token_id": tokenizer.convert_tokens_to_ids(f"<|vision_{n}|>") for n in ("start", "end")}
    ends = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id, "bos_token_id": None}
    text = {**TEXT, **ends, "vocab_size": len(tokenizer), "rope_parameters": ROPE}
    vision = {"depth": LAYERS, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "out_hidden_size": WIDTH}
    torch.manual_seed(0)
    if family == "qwen2_5_vl":
        config = transformers.Qwen2_5_VLConfig(
            text_config=text,
            vision_config={**vision, "patch_size": 14, "window_size": 56, "fullatt_block_indexes": [1]},
            tie_word_embeddings=True,
            **tokens,
        )
        return transformers.Qwen2_5_VLForConditionalGeneration(config)
    config = transformers.Qwen3VLConfig(
        text_config={**text, "head_dim": WIDTH // HEADS},
        vision_config={**vision, "patch_size": 16, "num_position_embeddings": 256, "deepstack_visual_indexes": [0]},
        tie_word_embeddings=True,
        **tokens,
    )
    return transformers.Qwen3VLForConditionalGeneration(config)


def make_processor(family: str, tokenizer: Any) -> Any:
    """Processors with the bounds of the published models."""
    if family == "qwen2_5_vl":
        bounds = {"patch_size": 14, "merge_size": 2, "temporal_patch_size": 2}
        images = transformers.Qwen2VLImageProcessor(min_pixels=56 * 56, max_pixels=12_845_056, **bounds)
        videos = transformers.Qwen2VLVideoProcessor(min_pixels=56 * 56, max_pixels=12_845_056, **bounds)
        made = transformers.Qwen2_5_VLProcessor
    else:
        bounds = {"patch_size": 16, "merge_size": 2, "temporal_patch_size": 2}
        mean = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
        images = transformers.Qwen2VLImageProcessor(
            size={"shortest_edge": 65_536, "longest_edge": 16_777_216}, **bounds, **mean
        )
        videos = transformers.Qwen3VLVideoProcessor(
            size={"shortest_edge": 4096, "longest_edge": 25_165_824}, **bounds, **mean
        )
        made = transformers.Qwen3VLProcessor
    return made(image_processor=images, tokenizer=tokenizer, video_processor=videos, chat_template=CHAT_TEMPLATE)


def main() -> None:
    """Make both and save them, so that ``from_pretrained(FOLDER)`` finds them without a network."""
    family, folder, texts = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    tokenizer = make_tokenizer(texts, published="--published-numbers" in sys.argv)
    model, processor = make_model(family, tokenizer), make_processor(family, tokenizer)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    print(f"{folder}: {family}, {model.num_parameters():,} weights, {len(tokenizer):,} tokens")


if __name__ == "__main__":
    main()
