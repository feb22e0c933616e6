#!/usr/bin/env bash
# sed_eval 0.2.1, whose segment- and event-based scores are taken for phases and gestures too, on an operation of three
# phases: 0-4 s, 4-10 s, 10-12 s. The model gives the first two exactly and never says the third, clipping.
# Expected: F of a class that is there and was never said is 0, so the mean over classes is 0.67, as the recall beside it.
# Seen: it is NaN, and the mean leaves it out: the class-wise average F is 1.0, by segments and by events, that of a model
#       that knows all phases. Whoever says a hard phase once and wrongly gets 0.67, whoever never says it gets 1.0.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check 'setuptools<81' sed_eval==0.2.1
"$work/v/bin/python" - 2>"$work/errors" <<'PY' || { cat "$work/errors"; exit 1; }
import dcase_util
from sed_eval.sound_event import EventBasedMetrics, SegmentBasedMetrics

PHASES = {"preparation": (0.0, 4.0), "dissection": (4.0, 10.0), "clipping": (10.0, 12.0)}


def events(phases: dict[str, tuple[float, float]]) -> dcase_util.containers.MetaDataContainer:
    return dcase_util.containers.MetaDataContainer(
        [{"filename": "operation", "event_label": n, "onset": a, "offset": b} for n, (a, b) in phases.items()]
    )


silent = {name: span for name, span in PHASES.items() if name != "clipping"}
wrong = {**silent, "clipping": (1.0, 3.0)}
seen = {}
for kind, options in ((SegmentBasedMetrics, {"time_resolution": 1.0}), (EventBasedMetrics, {"t_collar": 0.5})):
    for name, said in (("silent", silent), ("wrong", wrong)):
        score = kind(event_label_list=list(PHASES), **options)
        score.evaluate(reference_event_list=events(PHASES), estimated_event_list=events(said))
        mean = score.results_class_wise_average_metrics()["f_measure"]
        seen[kind.__name__, name] = {key: round(float(value), 2) for key, value in mean.items()}
        print(f"{kind.__name__}, clipping {'never said' if name == 'silent' else 'said elsewhere'}: {mean}")
for kind in ("SegmentBasedMetrics", "EventBasedMetrics"):
    assert seen[kind, "silent"] == {"f_measure": 1.0, "precision": 1.0, "recall": 0.67}, "changed"
    assert seen[kind, "wrong"]["f_measure"] == 0.67, "changed"
PY
