"""What LLaMA-Factory makes of an export, by its own code: ``python probe_llamafactory.py FOLDER ARGUMENTS-AS-JSON``.

Prints a line of JSON for each record: the texts that are learned, the whole text, and what the model sees.
"""

import json
import sys
from pathlib import Path

import seen
from llamafactory.data import SFTDataCollatorWith4DAttentionMask, get_dataset, get_template_and_fix_tokenizer
from llamafactory.hparams import get_train_args
from llamafactory.model import load_tokenizer


def main():
    model_args, data_args, training_args, _, _ = get_train_args(json.loads(sys.argv[1]))
    loaded = load_tokenizer(model_args)
    tokenizer, processor = loaded["tokenizer"], loaded["processor"]
    template = get_template_and_fix_tokenizer(tokenizer, data_args)
    data = get_dataset(template, model_args, data_args, training_args, stage="sft", **loaded)["train_dataset"]
    collate = SFTDataCollatorWith4DAttentionMask(
        template=template, padding="longest", label_pad_token_id=-100, **loaded
    )
    with Path(sys.argv[2]).open("w") as out:
        for row in data:
            batch = collate([row])
            ids, labels = batch["input_ids"][0], batch["labels"][0]
            rate = batch.get("second_per_grid_ts")
            found = {
                "learned": seen.learned(ids, labels, tokenizer),
                "text": tokenizer.decode(ids),
                "seconds_per_step": None if rate is None else [float(one) for one in rate],
                **seen.media(batch, processor),
            }
            out.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
