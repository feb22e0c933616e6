"""What VlmCollator makes of clips under the transformers installed here: ``python probe_collator.py MODEL OUT``.

Writes a line of JSON: the text of a batch of two clips of grey frames, what is learned, and the frames that are seen.
"""

import json
import sys
from pathlib import Path

import numpy as np
import seen
from surgsigma_hub.adapters.collate import VlmCollator
from surgsigma_hub.errors import SurgSigmaError
from transformers import AutoModelForImageTextToText, AutoProcessor


def row(count, fps, **more):
    clip = np.stack([np.full((64, 96, 3), 30 + 14 * n, np.uint8) for n in range(count)])
    talk = [{"role": "user", "content": "<video>\nWhat?"}, {"role": "assistant", "content": f"{count} frames"}]
    return {"id": f"clip-{count}", "messages": talk, "videos": [clip], "video_fps": [fps], **more}


def main():
    processor = AutoProcessor.from_pretrained(sys.argv[1])
    collate = VlmCollator(processor)
    batch = collate([row(4, 1.0), row(10, 5.0)])
    loss = AutoModelForImageTextToText.from_pretrained(sys.argv[1])(**batch).loss
    loss.backward()
    told = []
    for wrong in (row(4, None), row(4, 1.0, video_fps=[1.0, 2.0])):
        try:
            collate([wrong])
        except SurgSigmaError as error:
            told.append(str(error))
    found = {
        "text": [
            processor.tokenizer.decode(ids[mask.bool()])
            for ids, mask in zip(batch["input_ids"], batch["attention_mask"], strict=True)
        ],
        "learned": [
            seen.learned(*pair, processor.tokenizer) for pair in zip(batch["input_ids"], batch["labels"], strict=True)
        ],
        "keys": sorted(batch),
        "seconds_per_step": [float(one) for one in batch.get("second_per_grid_ts", ())],
        "loss": float(loss),
        "told": told,
        **seen.media(batch, processor),
    }
    Path(sys.argv[2]).write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
