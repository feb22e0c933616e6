"""A tiny vision-language model with random weights, for the examples: minutes on a CPU, and no network.

It is a LLaVA: a two-layer CLIP vision tower, a projector and a two-layer Llama, with a tokenizer trained on the words
of the tree itself. It shows that the loop is right, not what a model of use would score. Take any other model that
``AutoModelForImageTextToText`` loads, with its processor, and the examples work as they are.

    python examples/tiny_vlm.py --tree surgsigma --out tiny-vlm
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import surgsigma_hub
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

# Only these are special. <think> and <answer> are ordinary tokens, so that decoding keeps them for the rewards.
SPECIAL = {"pad": "<pad>", "start": "<|im_start|>", "end": "<|im_end|>", "image": "<image>"}
TAGS = ["<think>", "</think>", "<answer>", "</answer>"]

# What {% generation %} holds is what the model says: return_assistant_tokens_mask marks it, the end of turn included.
CHAT_TEMPLATE = """\
{%- for message in messages -%}
{{ '<|im_start|>' + message['role'] + '\n' }}
{%- set said -%}
{%- if message['content'] is string -%}{{ message['content'] }}
{%- else -%}
{%- for part in message['content'] -%}
{{- '<image>' if part['type'] == 'image' else part['text'] -}}
{%- endfor -%}
{%- endif -%}
{%- endset -%}
{%- if message['role'] == 'assistant' -%}
{%- generation -%}{{ said + '<|im_end|>' }}{%- endgeneration -%}{{ '\n' }}
{%- else -%}
{{ said + '<|im_end|>\n' }}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}
"""


def words_of(tree: str | Path, config: str | None = None, *, most: int = 4000) -> Iterator[str]:
    """What is said in the first samples of a tree, traces and plain answers included."""
    with surgsigma_hub.stream(tree, config, decode="view", shuffle=False, rank=0, world_size=1) as stream:
        for _, item in zip(range(most), stream, strict=False):
            reasoning = item.sample["reasoning"]
            yield from (message["content"] for message in item.sample["messages"])
            yield from (reasoning[level] or "" for level in ("perceptual", "relational", "contextual"))
            yield item.sample["answer"]["text"] + "\nLevel 1: Level 2: Level 3: 0123456789"


def make_tokenizer(texts: Iterable[str], *, size: int = 1200) -> PreTrainedTokenizerFast:
    """A byte-level BPE: whole words for what the tree often says, and no text that it cannot hold."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL.values()),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens(TAGS)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=SPECIAL["pad"],
        eos_token=SPECIAL["end"],
        additional_special_tokens=[SPECIAL["start"], SPECIAL["image"]],
        padding_side="left",
    )


def make_processor(tokenizer: PreTrainedTokenizerFast, *, image_side: int = 48, patch: int = 8) -> LlavaProcessor:
    """Tokenizer, image processor and chat template in one, as the model expects them."""
    # Without torchvision transformers 5 has the Pillow one under a name of its own.
    kind = getattr(transformers, "CLIPImageProcessorPil", None) or transformers.CLIPImageProcessor
    square = {"height": image_side, "width": image_side}
    images = kind(size=square, do_center_crop=False, image_mean=[0.5] * 3, image_std=[0.5] * 3)
    return LlavaProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=patch,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,  # CLIP's class token, which "default" leaves out again
        chat_template=CHAT_TEMPLATE,
        image_token=SPECIAL["image"],
    )


def make_model(
    processor: LlavaProcessor, *, width: int = 96, layers: int = 2, seed: int = 0
) -> LlavaForConditionalGeneration:
    """The model, with random weights that follow from the seed."""
    tokenizer = processor.tokenizer
    shape = {
        "hidden_size": width,
        "intermediate_size": 3 * width,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
    }
    side = processor.image_processor.size["height"]
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**shape, image_size=side, patch_size=processor.patch_size),
        text_config=LlamaConfig(
            **shape,
            vocab_size=len(tokenizer),
            max_position_embeddings=1024,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            tie_word_embeddings=True,
        ),
        image_token_id=tokenizer.convert_tokens_to_ids(SPECIAL["image"]),
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        tie_word_embeddings=True,
    )
    torch.manual_seed(seed)
    return LlavaForConditionalGeneration(config)


def tiny_vlm(
    tree: str | Path, config: str | None = None, *, seed: int = 0
) -> tuple[LlavaForConditionalGeneration, LlavaProcessor]:
    """Model and processor for a tree."""
    processor = make_processor(make_tokenizer(words_of(tree, config)))
    return make_model(processor, seed=seed), processor


def main() -> None:
    """Make the model and save it, so that ``from_pretrained(folder)`` finds it without a network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", default="surgsigma", help="a built tree (default: surgsigma)")
    parser.add_argument("--config", help="learn the words of this config only")
    parser.add_argument("--out", type=Path, default=Path("tiny-vlm"), help="folder for model and processor")
    args = parser.parse_args()
    model, processor = tiny_vlm(args.tree, args.config)
    model.save_pretrained(args.out)
    processor.save_pretrained(args.out)
    print(f"{args.out}: {model.num_parameters():,} weights, {len(processor.tokenizer):,} tokens")


if __name__ == "__main__":
    main()
