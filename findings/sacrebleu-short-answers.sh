#!/usr/bin/env bash
# sacrebleu 2.6.0 on the answers of surgical question sets, which have one to three words (EndoVis18-VQA and its kin).
# Expected: a model whose every answer equals the reference scores 100, whether sentence by sentence or over the corpus.
# Seen: corpus BLEU of the perfect model is 0.0, since no answer holds a run of four words; sentence BLEU of each is 100.
#       A model that is right nowhere is not told from one that is right everywhere.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check sacrebleu==2.6.0
"$work/v/bin/python" - <<'PY' 2>/dev/null
import sacrebleu

answers = ["kidney", "Idle", "left top", "Tissue Manipulation", "bipolar forceps is"]
perfect = sacrebleu.corpus_bleu(answers, [answers]).score
wrong = sacrebleu.corpus_bleu(["nothing"] * len(answers), [answers]).score
each = {round(sacrebleu.sentence_bleu(a, [a]).score, 1) for a in answers}
print(f"sacrebleu 2.6.0: corpus, all right {perfect}; corpus, all wrong {wrong}; sentence by sentence {each}")
assert (perfect, wrong, each) == (0.0, 0.0, {100.0}), "changed"
PY
