"""What verl makes of an export, by its own code: ``python probe_verl.py MODEL CONFIGURATION ANSWERS OUT``.

Run inside the folder of the export. Writes a line of JSON for each prompt that is left: its id, its media as the model
sees them, and the rewards that our function gives to the answers of the file ANSWERS and to a wrong one when
verl calls it.
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


def main():
    config = OmegaConf.create(json.loads(Path(sys.argv[2]).read_text()))
    processor = AutoProcessor.from_pretrained(sys.argv[1])
    data = RLHFDataset(
        OmegaConf.to_object(config.data.train_files), processor.tokenizer, config.data, processor=processor
    )
    reward = get_custom_reward_fn(config)
    answers = json.loads(Path(sys.argv[3]).read_text())
    with Path(sys.argv[4]).open("w") as out:
        for row in data:
            text = processor.apply_chat_template(row["raw_prompt"], add_generation_prompt=True, tokenize=False)
            looked = RLHFDataset.process_vision_info(row["raw_prompt"], image_patch_size=14, config=config.data)
            images = (asyncio.run(looked) if asyncio.iscoroutine(looked) else looked)[0]
            batch = processor(text=[text], images=images, return_tensors="pt")
            told = {"data_source": row["data_source"], "extra_info": row["extra_info"]}
            told["ground_truth"] = row["reward_model"]["ground_truth"]
            found = {
                "id": row["id"],
                "text": text,
                "right": reward(solution_str=f"<answer>{answers[row['id']]}</answer>", **told),
                "wrong": reward(solution_str="I cannot say.", **told),
                **seen.media(batch, processor),
            }
            out.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
