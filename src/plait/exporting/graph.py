"""Format `onnx`: graph, weights and tokenizer in a folder, with a program that answers by them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plait.approaches.heads.kept import GRAPH, WEIGHTS
from plait.approaches.heads.model import Heads
from plait.approaches.tagging import classes
from plait.errors import PlaitError
from plait.exporting import answer
from plait.exporting.exported import Comparison, Exported, furthest, furthest_span
from plait.exporting.reading import copy, cut_note, heads_of, plain, short, spelled
from plait.exporting.word_pattern import BLANK, WORD
from plait.files import write_json
from plait.tasks import Task

PROGRAM = Path(answer.__file__)


def write(exported: Exported, folder: Path) -> str:
    """Copy graph and weights, write tokenizer and labels; return how they are used."""
    if not (exported.bundle / GRAPH).is_file():
        raise PlaitError(
            f"--to onnx: bundle {exported.bundle} has no ONNX graph; its README.md says why. "
            "Export it --to transformers, or answer with `plait.load`."
        )
    heads = heads_of(exported)
    copy(exported.bundle / GRAPH, folder / "model.onnx")
    copy(exported.bundle / WEIGHTS, folder / WEIGHTS)  # its name stands in the graph
    copy(PROGRAM, folder / PROGRAM.name)
    tokenizer = plain(heads.texts, hidden=True)
    padding = heads.texts.vocabulary.padding
    tokenizer.enable_truncation(heads.kept.max_length)
    tokenizer.enable_padding(pad_id=padding, pad_token=tokenizer.id_to_token(padding) or "")
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(folder / "tasks.json", [_task(exported, heads, task) for task in exported.tasks])
    return f"{_USAGE}\n{cut_note(heads, exported)}"


def _task(exported: Exported, heads: Heads, task: Task) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": task.name,
        "kind": task.kind,
        "output": f"logits{exported.index(task)}",
        "classes": classes(task),
    }
    if task.kind == "multilabel":
        found["thresholds"] = heads.engine.thresholds(task).tolist()
    if task.kind == "tagging":
        found |= {"word": WORD, "blank": BLANK, "last": heads.kept.reading.decoder}
    return found


def compare(exported: Exported, folder: Path, texts: Sequence[str]) -> Comparison:
    """Answer by the folder's own program; labels, spans and probabilities must be plait's."""
    heads = heads_of(exported)
    kept = [*short(heads, list(texts)), spelled(heads)]
    model = answer.Model(folder)
    found, own = model.answer(kept), heads.predict(kept)
    worst = [0.0]
    for task in exported.tasks:
        answers = [each[task.name] for each in found]
        apart = furthest_span if task.kind == "tagging" else furthest
        worst.append(apart(answers, own[task.name]))
    return Comparison(len(kept), max(worst))


_USAGE = """## Use

`pip install onnxruntime tokenizers numpy regex`, then

```sh
python answer.py "turn on the kitchen lights"
```

or in Python, in this folder:

```python
from answer import Model

for answer in Model(".").answer(["turn on the kitchen lights"]):
    print(answer)
```

`answer.py` is short and imports nothing else: copy it into your service. `model.onnx` reads
`input_ids` and `attention_mask` (batch × length, padding on the right) and gives the logits of each
task (`output` in `tasks.json`); its weights are in `heads.safetensors`, which must stay beside it.
`tokenizer.json` cuts and pads by itself; tell it `encode_special_tokens = True`, as `answer.py`
does, so that what a text spells out is text.

## What is equal

Labels, spans and the probability of each are plait's, within 1e-4.
"""
