"""Format `transformers`: one head as a standard class, which `transformers.pipeline` loads."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    PreTrainedTokenizerFast,
    pipeline,
)
from transformers.utils import logging

from plait.approaches.heads.kept import BACKBONE, THRESHOLDS, WEIGHTS
from plait.approaches.heads.model import Heads
from plait.approaches.pretrained import supported
from plait.approaches.probabilities import softmax
from plait.approaches.tagging import classes as class_names
from plait.errors import PlaitError
from plait.exporting import classes
from plait.exporting.exported import Comparison, Exported, furthest
from plait.exporting.folding import TooNarrowError
from plait.exporting.reading import SPELLED_OUT, cut_note, heads_of, plain, short, spelled
from plait.tasks import Task

logging.set_verbosity_error()
logging.disable_progress_bar()
PROBLEMS = {
    "classification": "single_label_classification",
    "multilabel": "multi_label_classification",
}


def write(exported: Exported, folder: Path) -> str:
    """Write configuration, weights and tokenizer; return how they are used."""
    (task,) = exported.tasks
    heads, state = heads_of(exported), load_file(exported.bundle / WEIGHTS)
    config = _config(exported, task, heads, state)
    model = _model(exported, task, heads, config, state)
    model.save_pretrained(folder)
    _tokenizer(heads).save_pretrained(folder)
    return _usage(exported, task, heads)


def _config(exported: Exported, task: Task, heads: Heads, state: dict[str, Any]) -> Any:
    config = classes.renamed(supported.body(exported.bundle / BACKBONE))
    names = class_names(task)
    config.id2label = dict(enumerate(names))
    config.label2id = {name: place for place, name in enumerate(names)}
    config.pad_token_id = heads.texts.vocabulary.padding
    if task.whole_text:
        config.problem_type = PROBLEMS[task.kind]
    if task.kind == "multilabel":
        least = state[f"{THRESHOLDS}{exported.index(task)}"].tolist()
        config.thresholds = dict(zip(names, least, strict=True))
    return config


def _model(exported: Exported, task: Task, heads: Heads, config: Any, state: dict[str, Any]) -> Any:
    body = {n.removeprefix("encoder."): v for n, v in state.items() if n.startswith("encoder.")}
    weight, bias = (state[f"heads.{exported.index(task)}.{part}"] for part in ("weight", "bias"))
    reading = heads.kept.reading
    if reading.decoder and reading.attention == "bidirectional":
        raise classes.no_class(config, "its tokens look ahead here, and in no standard class")
    try:
        if task.whole_text:
            return classes.classifier(config, reading, body, weight, bias)
        return classes.tagger(config, body, weight, bias)
    except TooNarrowError as error:
        raise classes.no_class(config, f"{len(bias)} labels don't fit, as {error}") from error


def _tokenizer(heads: Heads) -> Any:
    vocabulary, texts = heads.texts.vocabulary, heads.texts
    token = texts.backend.id_to_token
    marks = {"pad_token": token(vocabulary.padding)}
    if vocabulary.unknown is not None:
        marks["unk_token"] = token(vocabulary.unknown)
    return PreTrainedTokenizerFast(
        tokenizer_object=plain(texts),
        model_max_length=heads.kept.max_length,
        model_input_names=["input_ids", "attention_mask"],
        padding_side="right",
        split_special_tokens=True,
        **marks,
    )


def compare(exported: Exported, folder: Path, texts: Sequence[str]) -> Comparison:
    """Load what was written, and compare tokens and probabilities."""
    (task,) = exported.tasks
    heads = heads_of(exported)
    kept = short(heads, list(texts))
    said = _compare_tokens(heads, folder, kept)
    if task.whole_text:
        classify = pipeline("text-classification", model=str(folder), device="cpu")
        found = classify(kept, top_k=None, truncation=True)
        least = getattr(classify.model.config, "thresholds", None)
        answers = [_answer(row, task, least) for row in found]
        return Comparison(len(kept), furthest(answers, heads.predict(kept)[task.name]), said)
    return Comparison(len(kept), _compare_tags(exported, task, heads, folder, kept), said)


def _answer(
    row: Sequence[Mapping[str, Any]], task: Task, least: Mapping[str, float] | None
) -> dict[str, Any]:
    """What the pipeline said of a text."""
    found = {each["label"]: each["score"] for each in row}
    applying = [name for name in task.labels if least and found[name] >= least[name]]
    return {"label": row[0]["label"], "labels": applying, "probabilities": found}


def _compare_tokens(heads: Heads, folder: Path, texts: list[str]) -> tuple[str, ...]:
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    *own, odd = heads.texts.encode([*texts, spelled(heads)], heads.kept.max_length)
    found = tokenizer(texts, truncation=True)["input_ids"]
    if found != [each.ids for each in own]:
        raise PlaitError(
            "--to transformers: the standard tokenizer reads some text as other tokens than plait "
            f"does. Instead, {classes.NO_CLASS}."
        )
    if tokenizer(spelled(heads), truncation=True)["input_ids"] == odd.ids:
        return ()
    return (SPELLED_OUT,)


@torch.inference_mode()
def _compare_tags(
    exported: Exported, task: Task, heads: Heads, folder: Path, texts: list[str]
) -> float:
    """The largest difference of a word's probability of a tag."""
    model = AutoModelForTokenClassification.from_pretrained(folder, trust_remote_code=False)
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    worst = 0.0
    for text in texts:
        (encoded,) = heads.texts.encode([text], heads.kept.max_length)
        places = [position for position, _ in heads.read_words(text, encoded)]
        logits = heads.engine.logits(heads.padded([encoded.ids]))[exported.index(task)][0]
        found = model(**tokenizer([text], truncation=True, return_tensors="pt")).logits[0].numpy()
        if places:
            apart = abs(softmax(found)[places] - softmax(logits)[places])
            worst = max(worst, float(apart.max()))
    return worst


def _usage(exported: Exported, task: Task, heads: Heads) -> str:
    usage = {
        "classification": _CLASSIFICATION,
        "multilabel": _MULTILABEL,
        "tagging": _TAGGING,
    }[task.kind]
    last = heads.kept.reading.decoder
    usage = usage.replace("STRATEGY", "none" if last else "first")
    note = _DEEPER if task.whole_text else _LAST if last else _FIRST
    return f"{usage}\n{cut_note(heads, exported)} {note}"


_CLASSIFICATION = """## Use

```python
from transformers import pipeline

classify = pipeline("text-classification", model=".")
print(classify(["turn on the kitchen lights"], top_k=None, truncation=True))
```

## What is equal

The label and the probability of every label are plait's, within 1e-4.
"""
_MULTILABEL = """## Use

```python
from transformers import pipeline

classify = pipeline("text-classification", model=".")
least = classify.model.config.thresholds  # from which probability each label applies
for found in classify(["turn on the kitchen lights"], top_k=None, truncation=True):
    print([each["label"] for each in found if each["score"] >= least[each["label"]]])
```

## What is equal

The labels that apply and the probability of every label are plait's, within 1e-4.
"""
_TAGGING = """## Use

```python
from transformers import pipeline

tag = pipeline("token-classification", model=".", aggregation_strategy="STRATEGY")
print(tag("turn on the kitchen lights"))
```

## What is equal

The probability of every tag at the token that plait reads of a word is plait's, within 1e-4. plait
answers with the most probable well-formed tags (`I-x` after `B-x` or `I-x` alone), the pipeline
with the most probable tag of each; and plait's words are runs of letters, runs of digits and single
marks, the pipeline's what its tokenizer tells apart. Where the tags are well-formed and the words
are the same, so are the spans. The pipeline's score of a span is the mean of its words' scores, as
plait's is.
"""
_FIRST = 'Of a word plait reads the first token, as `aggregation_strategy="first"` does.'
_LAST = (
    "Of a word plait reads the last token, since tokens look back alone; no strategy of the "
    "pipeline does, so use its answers token by token."
)
_DEEPER = """

The architecture is standard and runs no code of this folder, but its last part is made: plait's
head reads all tokens, the standard class one, so one more layer or other weights carry what plait
computes. Keep the weights in float32 (float16 can't hold them), and fine-tune the bundle, not
this.
"""
