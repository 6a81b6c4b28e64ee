"""Answers of an ONNX export, by onnxruntime, tokenizers, numpy and regex alone.

    python answer.py "turn on the kitchen lights"

prints one JSON object a text: a label with the probability of each, the labels that apply, or spans
with offsets in characters (`end` excluded). In Python: `Model(folder).answer(texts)`.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import regex
from tokenizers import Tokenizer


class Model:
    """The model of a folder, for texts of any number; a long text is read from its beginning."""

    def __init__(self, folder: str | Path = ".") -> None:
        self.tasks = json.loads(Path(folder, "tasks.json").read_text(encoding="utf-8"))
        self.tokenizer = Tokenizer.from_file(str(Path(folder, "tokenizer.json")))
        self.tokenizer.encode_special_tokens = True  # what a text spells out is text
        self.session = onnxruntime.InferenceSession(
            str(Path(folder, "model.onnx")), providers=["CPUExecutionProvider"]
        )

    def answer(self, texts: list[str]) -> list[dict[str, Any]]:
        """For each text the answer to each task."""
        read = self.tokenizer.encode_batch(texts)
        inputs = {
            "input_ids": np.array([each.ids for each in read], np.int64),
            "attention_mask": np.array([each.attention_mask for each in read], np.int64),
        }
        outputs = [task["output"] for task in self.tasks]
        logits = self.session.run(outputs, inputs)
        found: list[dict[str, Any]] = [{} for _ in texts]
        for task, rows in zip(self.tasks, logits, strict=True):
            for answer, row, text, tokens in zip(found, rows, texts, read, strict=True):
                answer[task["name"]] = ANSWERS[task["kind"]](task, row, text, tokens)
        return found


def label(task: Any, logits: Any, *_: Any) -> dict[str, Any]:
    """The most probable label."""
    found = dict(zip(task["classes"], softmax(logits).tolist(), strict=True))
    return {"label": max(found, key=lambda name: found[name]), "probabilities": found}


def labels(task: Any, logits: Any, *_: Any) -> dict[str, Any]:
    """The labels that reach their thresholds."""
    probabilities = (1 / (1 + np.exp(-logits.astype(np.float64)))).tolist()
    found = dict(zip(task["classes"], probabilities, strict=True))
    least = dict(zip(task["classes"], task["thresholds"], strict=True))
    return {
        "labels": [name for name, p in found.items() if p >= least[name]],
        "probabilities": found,
    }


def spans(task: Any, logits: Any, text: str, read: Any) -> list[dict[str, Any]]:
    """Spans of the most probable well-formed tags; a probability is the mean over the words."""
    places = words(task, text, read)
    if not places:
        return []
    probabilities = softmax(logits[list(places)])
    tags, found = best_tags(probabilities), []
    for (start, end), tag, row in zip(places.values(), tags, probabilities, strict=True):
        kind = task["classes"][tag]
        if kind.startswith("B-"):
            found.append({"label": kind[2:], "start": start, "end": end, "all": [float(row[tag])]})
        elif kind != "O":
            found[-1] |= {"end": end, "all": [*found[-1]["all"], float(row[tag])]}
    return [{**span, "probability": float(np.mean(span.pop("all")))} for span in found]


def words(task: Any, text: str, read: Any) -> dict[int, tuple[int, int]]:
    """The (start, end) characters of each word, by the token that is read of it."""
    found: dict[int, tuple[int, int]] = {}
    tokens = [(n, a, b) for n, (a, b) in enumerate(read.offsets) if b > a]
    for match in regex.finditer(task["word"], text):
        start, end = match.span()
        inside = [n for n, a, b in tokens if a < end and b > start]
        if inside and not regex.fullmatch(task["blank"], match[0]):
            place = inside[-1 if task["last"] else 0]
            found[place] = (found.get(place, (start, end))[0], end)
    return found


def best_tags(probabilities: Any) -> list[int]:
    """The most probable tags in which each `I-x` follows `B-x` or `I-x` (Viterbi)."""
    logs = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
    inside = np.arange(2, logs.shape[1], 2)  # O, B-a, I-a, B-b, I-b, …
    scores, steps = logs[0].copy(), []
    scores[inside] = -np.inf
    for row in logs[1:]:
        before = np.full(len(row), scores.argmax())
        before[inside] = np.where(scores[inside] > scores[inside - 1], inside, inside - 1)
        scores = scores[before] + row
        steps.append(before)
    tags = [int(scores.argmax())]
    for before in reversed(steps):
        tags.append(int(before[tags[-1]]))
    return tags[::-1]


def softmax(logits: Any) -> Any:
    """Probabilities over the last axis."""
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


ANSWERS: dict[str, Any] = {"classification": label, "multilabel": labels, "tagging": spans}

if __name__ == "__main__":
    for answer in Model(Path(__file__).parent).answer(sys.argv[1:]):
        print(json.dumps(answer, ensure_ascii=False))
