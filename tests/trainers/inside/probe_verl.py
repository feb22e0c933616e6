"""What verl makes of an export, by its own code: ``python probe_verl.py MODEL CONFIGURATION OUT``.

Run inside the folder of the export. Writes a line of JSON for each prompt that is left: its id, its media as the model
sees them, and the rewards that our function gives to a right and to a wrong answer when verl calls it.
"""

import asyncio
import json
import sys
from pathlib import Path

import seen
from omegaconf import OmegaConf
from transformers import AutoProcessor
from verl.trainer.ppo.reward import get_custom_reward_fn
from verl.utils.dataset.rl_dataset import RLHFDataset


def said(truth, told):
    """The right answer in the numbers that the model is asked for."""
    if not truth["boxes"] or told.get("space") != "pixel":
        return truth["text"]
    wide, high = told["size"]
    boxes = [(b["label"], b["x1"] * wide, b["y1"] * high, b["x2"] * wide, b["y2"] * high) for b in truth["boxes"]]
    return "; ".join(f"{label} {corners}" for label, *corners in boxes)


def main():
    config = OmegaConf.create(json.loads(Path(sys.argv[2]).read_text()))
    processor = AutoProcessor.from_pretrained(sys.argv[1])
    data = RLHFDataset(
        OmegaConf.to_object(config.data.train_files), processor.tokenizer, config.data, processor=processor
    )
    reward = get_custom_reward_fn(config)
    with Path(sys.argv[3]).open("w") as out:
        for row in data:
            text = processor.apply_chat_template(row["raw_prompt"], add_generation_prompt=True, tokenize=False)
            looked = RLHFDataset.process_vision_info(row["raw_prompt"], image_patch_size=14, config=config.data)
            images = (asyncio.run(looked) if asyncio.iscoroutine(looked) else looked)[0]
            batch = processor(text=[text], images=images, return_tensors="pt")
            truth = json.loads(row["reward_model"]["ground_truth"])
            told = {"data_source": row["data_source"], "extra_info": row["extra_info"]}
            told["ground_truth"] = row["reward_model"]["ground_truth"]
            found = {
                "id": row["id"],
                "text": text,
                "right": reward(solution_str=f"<answer>{said(truth, row['extra_info'])}</answer>", **told),
                "wrong": reward(solution_str="I cannot say.", **told),
                **seen.media(batch, processor),
            }
            out.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
