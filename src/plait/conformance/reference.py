"""Checks against the model's own forward pass, as transformers loads it, one text at a time."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModel, AutoModelForCausalLM

from plait.conformance import toy
from plait.conformance.findings import Finding, none_of, within
from plait.tasks import Row

RELATIVE = 1e-3
"""Largest difference of vectors and losses, relative to the largest of them: sums in float32."""
PROBABILITY = 2e-3
LONG = 10
"""Fillers of a text that outgrows the sliding windows of tiny models, and is read in one go."""


def asked(languages: toy.Languages) -> list[str]:
    """Texts of different lengths in each language."""
    return [
        text
        for spoken in languages
        for text in (toy.rows(spoken, "test")[1].text, toy.long_text(spoken, LONG))
    ]


def backbone_of(model: Any) -> Any:
    """The pretrained model inside an approach."""
    return model.pretrained if hasattr(model, "pretrained") else model.asking.decoder.model


@contextmanager
def listening(model: Any) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """The token ids that a model reads and the vectors that it gives, pass by pass."""
    heard: list[tuple[Tensor, Tensor]] = []

    def note(_module: Any, args: Any, settings: dict[str, Any], output: Any) -> None:
        ids = settings["input_ids"] if "input_ids" in settings else args[0]
        heard.append((ids.cpu(), output.last_hidden_state.float().cpu()))

    hook = backbone_of(model).base_model.register_forward_hook(note, with_kwargs=True)
    try:
        yield heard
    finally:
        hook.remove()


def vectors(model: Any, backbone: Path, languages: toy.Languages) -> Finding:
    """`heads`: the vectors of a padded batch are those of the model's own pass over each text."""
    own = AutoModel.from_pretrained(backbone, dtype=torch.float32, use_safetensors=True).eval()
    texts = asked(languages)
    together = _heard(model, texts)
    differences = []
    for text in texts:
        (ids, alone), *_ = _heard(model, [text])
        with torch.inference_mode():
            right = own(ids[None]).last_hidden_state[0]
        found = [alone, *(_part(ids, *row) for row in together if _begins(ids, row[0]) >= 0)]
        largest = max(float((row - right).abs().max()) for row in found)
        differences.append(largest / float(right.abs().max()))
    return within("forward = the model's own", max(differences), RELATIVE, "difference of vectors")


def _heard(model: Any, texts: Sequence[str]) -> list[tuple[Tensor, Tensor]]:
    """By text, in the order in which they are read, its token ids and vectors, padded."""
    with listening(model) as heard:
        model.predict(texts, batch_size=len(texts))
    ids, found = heard[0]
    return list(zip(ids, found, strict=True))


def _begins(ids: Tensor, row: Tensor) -> int:
    """Where in a padded row the tokens begin; -1 where it has others."""
    places = row.unfold(0, len(ids), 1) if len(row) >= len(ids) else row.new_zeros(0, len(ids))
    found = (places == ids).all(1).nonzero().flatten().tolist()
    return found[0] if found else -1


def _part(ids: Tensor, row: Tensor, found: Tensor) -> Tensor:
    begin = _begins(ids, row)
    return found[begin : begin + len(ids)]


def probabilities(model: Any, backbone: Path, languages: toy.Languages) -> Finding:
    """`generative` and `prompt`: the best label's probability is that of the model's own scores.

    Its scores of the label's tokens after the prompt, each renormalised over the tokens that lead
    to a label. All texts are asked in one batch.
    """
    own = _causal(backbone)
    texts = asked(languages)
    answers = model.predict(texts, batch_size=len(texts))["intent"]
    differences = [
        abs(answer.probabilities[answer.label] - _own_probability(model, own, text, answer.label))
        for text, answer in zip(texts, answers, strict=True)
    ]
    return within(
        "forward = the model's own", max(differences), PROBABILITY, "difference of probabilities"
    )


def _causal(backbone: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(
        backbone, dtype=torch.float32, use_safetensors=True
    ).eval()


def _own_probability(model: Any, own: Any, text: str, label: str) -> float:
    form = model.asking.forms[0]
    prompt = model.asking.prompt(form, text)
    trie = model.asking.tries["intent"]
    path = trie.answers[label]
    before = [*prompt.prefix, *model.asking.decoder.cut(text)[1], *prompt.suffix]
    with torch.inference_mode():
        scores = own(torch.tensor([[*before, *path]])).logits[0, len(before) - 1 :].float()
    total = 0.0
    for i, token in enumerate(path):
        choices = trie.choices(path[:i])
        total += float(scores[i, choices].log_softmax(-1)[choices.index(token)])
    return float(torch.tensor(total).exp())


def losses(model: Any, rows: Sequence[Row], cache: Path) -> Iterator[Finding]:
    """A batch's training loss is the sum of its rows', and a packed one's that of a padded one."""
    encoded = list(model.encoded("toy", rows, cache))
    alone = sum(_loss(model, [row]) for row in encoded)
    kept = getattr(model, "packing", None)
    for packing in (None,) if kept is None else (False, True):
        if packing is not None:
            model.packing = packing
        name = {None: "a padded", False: "a padded", True: "a packed"}[packing]
        difference = abs(_loss(model, encoded) - alone) / alone
        yield within(
            f"{name} batch's loss is its rows'", difference, RELATIVE, "relative difference"
        )
    if kept is not None:
        model.packing = kept


def _loss(model: Any, rows: Sequence[Any]) -> float:
    batch = model.collate("toy", rows)
    model.module.eval()
    with torch.inference_mode():
        found = model.module(batch.inputs, batch.targets)
    return sum(float(loss) for loss in found.values())


def own_loss(model: Any, backbone: Path, rows: Sequence[Row], cache: Path) -> Finding:
    """`generative`: the training loss is the cross-entropy of the model's own scores."""
    own, total = _causal(backbone), 0.0
    encoded = list(model.encoded("toy", rows, cache))
    for row in encoded:
        ids, answer = torch.tensor(row["input_ids"]), row["answer"]
        with torch.inference_mode():
            scores = own(ids[None]).logits[0, -answer - 1 : -1].float()
        total += float(torch.nn.functional.cross_entropy(scores, ids[-answer:], reduction="sum"))
    difference = abs(_loss(model, encoded) - total) / total
    return within("training loss = the model's own", difference, RELATIVE, "relative difference")


def control_ids(model: Any, tokens: dict[str, int]) -> Finding:
    """Control tokens that a text spells out are not read as control tokens."""
    plain = toy.rows(toy.language("English"), "test")[0].text
    wrong = []
    for token, number in tokens.items():
        usual = _most(model, f"{plain} {toy.alike(token) * 6}")
        found = _most(model, f"{plain} {token * 6}")[number] - usual[number]
        if found >= 6:
            wrong.append(f"{token!r} (id {number})")
    return none_of("control tokens are plain text: ids", wrong, len(tokens))


def _most(model: Any, text: str) -> Counter[int]:
    """How often each token id stands in a pass over a text, at most."""
    with listening(model) as heard:
        model.predict([text])
    most: Counter[int] = Counter()
    for ids, _ in heard:
        most |= Counter(ids.flatten().tolist())
    return most
