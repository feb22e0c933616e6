"""What ms-swift makes of an export, by its own code: ``python probe_swift.py MODEL FILES-AS-JSON OUT``.

Run inside the folder of the export. Writes a line of JSON for each record: the texts that are learned, the whole text,
and what the model sees.
"""

import json
import sys
from pathlib import Path

import seen
from swift import get_processor, get_template, load_dataset


def main():
    processor = get_processor(sys.argv[1])
    template = get_template(processor)
    template.set_mode("train")
    data, _ = load_dataset(json.loads(sys.argv[2]), strict=True, load_from_cache_file=False)
    with Path(sys.argv[3]).open("w") as out:
        for row in data:
            batch = template.data_collator([template.encode(row)])
            ids, labels = batch["input_ids"][0], batch["labels"][0]
            rate = batch.get("second_per_grid_ts")
            found = {
                "learned": seen.learned(ids, labels, template.tokenizer),
                "text": template.tokenizer.decode(ids),
                "seconds_per_step": None if rate is None else [float(one) for one in rate],
                **seen.media(batch, processor),
            }
            out.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
