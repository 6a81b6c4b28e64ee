"""Format `vllm`: a causal language model, its exact prompts, and a grammar of its answers."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, GenerationConfig

from plait.approaches.prompting.answers import END, Form
from plait.approaches.prompting.asking import Asking, decoder_forms
from plait.approaches.prompting.chat import messages
from plait.approaches.prompting.decoder import Decoder
from plait.approaches.prompting.instructions import instruction
from plait.approaches.prompting.trie import Search, Trie
from plait.bundle import CANDIDATE, COVERAGE
from plait.exporting import ask
from plait.exporting.exported import Comparison, Exported
from plait.exporting.reading import copy
from plait.exporting.word_pattern import BLANK, WORD
from plait.files import read_json, write_json
from plait.tasks import LabelPrediction, Prediction, SetPrediction, Task, is_spans

PROGRAM = Path(ask.__file__)
SETTINGS = "generative.json"
OWN = (CANDIDATE, COVERAGE, SETTINGS, "README.md")
"""Files of a bundle that are plait's alone."""
COMPARED = 6
"""Texts: each takes a pass for each branching of the labels."""


def write(exported: Exported, folder: Path) -> str:
    """Copy the model, write prompts and grammars; return how they are used."""
    for path in exported.bundle.iterdir():
        if path.is_file() and path.name not in OWN:
            copy(path, folder / path.name)
    copy(PROGRAM, folder / PROGRAM.name)
    asking = _asking(exported)
    tokenizer, end = asking.decoder.tokenizer, asking.forms[0].end
    tokenizer.eos_token = tokenizer.convert_ids_to_tokens(end)  # what ends an answer
    tokenizer.save_pretrained(folder)
    asking.decoder.chat.texts.bare.save(str(folder / "text.json"))
    GenerationConfig(do_sample=False, eos_token_id=end, pad_token_id=end).save_pretrained(folder)
    write_json(folder / "prompts.json", [_told(asking, form) for form in asking.forms])
    for form in ask.forms(folder):
        name = "+".join(task["name"] for task in form.tasks)
        (folder / f"{name}.gbnf").write_text(form.grammar(), encoding="utf-8")
    return _usage(exported, asking)


def _asking(exported: Exported) -> Asking:
    """The bundle's decoder with its weights in float32, as they were saved."""
    settings = read_json(exported.bundle / SETTINGS)
    decoder = Decoder.load(exported.bundle, settings["max_length"], torch.float32)
    forms = decoder_forms(exported.candidate.tasks, settings["joint"], decoder)
    wanted = [form for form in forms if {*form.tasks} & {*exported.tasks}]
    return Asking(decoder, wanted, "constrained")


def _told(asking: Asking, form: Form) -> dict[str, Any]:
    """What `ask.py` needs of a form, and what a person may want to know of it."""
    prompt, chat = asking.prompt(form), asking.decoder.chat
    asked = instruction(form.tasks, asking.labels)
    found: dict[str, Any] = {
        "tasks": [_task(form, task) for task in form.tasks],
        "instruction": asked,
        "prefix": list(prompt.prefix),
        "suffix": list(prompt.suffix),
        "end": form.end,
        "gap": chat.gap,
        "lead": form.lead,
        "max_length": asking.decoder.max_length,
        "longest": form.longest(),
        "word": WORD,
        "blank": BLANK,
    }
    if asking.decoder.tokenizer.chat_template:
        found["messages"] = messages(asked, [("{text}", None)])
    return found


def _task(form: Form, task: Task) -> dict[str, Any]:
    tokens = {name or "(end)": list(ids) for name, ids in form.trie(task).answers.items()}
    return {"name": task.name, "kind": task.kind, "labels": list(task.labels), "tokens": tokens}


@torch.inference_mode()
def compare(exported: Exported, folder: Path, texts: Sequence[str]) -> Comparison:
    """Load the folder with plain transformers, and compare what is chosen first.

    That is the label of a classification, with the probability of each; the first label of several,
    with its probability; the type of the first span.
    """
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, trust_remote_code=False
    ).eval()
    asking = _asking(exported)
    some = _spread(list(texts))
    worst, greedy, chats = 0.0, 0, 0
    for form, exact in zip(ask.forms(folder), asking.forms, strict=True):
        for text in some:
            trie = exact.trie(exact.tasks[0])
            prompt = form.prompt(text)
            search, followed = _searched(model, prompt, trie)
            own = _own(asking, exact, text)
            worst = max(worst, _apart(search.probabilities(), own[exact.tasks[0].name]))
            greedy += followed == search.best()
            chats += _chat(asking, form.told, text) == prompt
    return Comparison(len(some), worst, _said(asking, greedy, chats, len(some) * len(asking.forms)))


def _spread(texts: list[str]) -> list[str]:
    """Some of the texts, from the first to the last."""
    step = max(1, len(texts) // COMPARED)
    return texts[::step][:COMPARED]


def _own(asking: Asking, form: Form, text: str) -> Mapping[str, Prediction]:
    """plait's answer, every probability resolved."""
    tries = {task.name: form.trie(task) for task in form.tasks}
    (found,) = asking.decoder.answer([text], [asking.prompt(form, text)], form, tries)
    return found


def _searched(model: Any, prompt: list[int], trie: Trie) -> tuple[Search, str]:
    """A search that knows every answer's probability, and what greedy decoding would write."""
    search, branches = Search(trie), dict[tuple[int, ...], int]()
    while wanted := search.wanted():
        for path in wanted:
            scores = model(torch.tensor([[*prompt, *path]])).logits[0, -1]
            choices = trie.choices(path)
            shares = scores[choices].float().softmax(-1)
            branches[path] = choices[int(shares.argmax())]
            search.expand(path, shares.tolist())
    path = trie.branching(())
    while path in branches:
        path = trie.branching((*path, branches[path]))
    return search, str(trie.name(path))


def _apart(found: Mapping[str, float], own: Prediction) -> float:
    best = max(found, key=lambda name: found[name])
    if isinstance(own, LabelPrediction):
        return max(abs(found[name] - p) for name, p in own.probabilities.items())
    first = own.labels[0] if isinstance(own, SetPrediction) and own.labels else END
    if is_spans(own) and own:
        first = own[0].label
    if first != best:
        return float("inf")
    known = own.probabilities if isinstance(own, SetPrediction) else {}
    return abs(found[first] - known.get(first, found[first]))


def _chat(asking: Asking, told: Mapping[str, Any], text: str) -> list[int]:
    """The prompt by the tokenizer's own chat template; nothing where it has none."""
    tokenizer = asking.decoder.tokenizer
    if "messages" not in told:
        return []
    asked = messages(told["instruction"], [(text, None)])
    try:
        rendered = tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    except Exception:  # whatever a template raises that knows no system role
        return []
    found: list[int] = tokenizer(rendered, add_special_tokens=False)["input_ids"]
    return found


def _said(asking: Asking, greedy: int, chats: int, total: int) -> tuple[str, ...]:
    found = [
        f"Greedy decoding begins as the most probable answer does for {greedy} of {total} prompts.",
        "vLLM itself was not run: the folder was loaded by transformers.",
    ]
    if asking.decoder.tokenizer.chat_template:
        found.append(
            f"The chat template gives plait's very tokens for {chats} of {total} prompts; token "
            "numbers, as above, always do."
        )
    return tuple(found)


def _usage(exported: Exported, asking: Asking) -> str:
    tagged = any(task.kind == "tagging" for form in asking.forms for task in form.tasks)
    prefix = max(len(asking.prompt(form).prefix) for form in asking.forms)
    room = prefix + 3 * asking.decoder.max_length + max(f.longest() for f in asking.forms) + 64
    return _USAGE.format(
        name=json.dumps(exported.candidate.name),
        room=room,
        free="".join(_notes(exported, tagged)),
    )


def _notes(exported: Exported, tagged: bool) -> Iterator[str]:
    settings = read_json(exported.bundle / SETTINGS)
    if settings["decoding"] == "free":
        yield "- plait lets this model write freely (`decoding: free`); the grammar binds it.\n"
    if tagged or settings["windows"]:
        yield (
            f"- Of a text of more than {settings['max_length']} tokens the beginning is read; "
            "plait reads all of it, in slices.\n"
        )
    if tagged:
        yield (
            "- The files *.gbnf let spans hold any words, `form.grammar(text)` those of the text.\n"
        )


_USAGE = """## Use

```sh
vllm serve . --served-model-name {name} --max-model-len {room}
```

```python
from ask import forms  # ask.py of this folder: copy it; it needs tokenizers and regex
from openai import OpenAI

client = OpenAI(base_url="http://localhost:8000/v1", api_key="-")
text = "turn on the kitchen lights"
for form in forms("."):
    done = client.completions.create(
        model={name},
        prompt=form.prompt(text),  # token numbers: exactly plait's prompt
        max_tokens=form.most(text),
        temperature=0,
        extra_body={{"structured_outputs": {{"grammar": form.grammar(text)}}}},
    )
    print(form.read(text, done.choices[0].text))
```

vLLM before 0.12 takes `{{"guided_grammar": …}}` in the place of `structured_outputs`.

## What is equal

- The prompt is plait's, token by token. `prompts.json` has its parts, the instruction, and the
  tokens of each label.
- The grammar (GBNF, for xgrammar and guidance) allows the answers that plait allows, and no others:
  a label, labels in their order, spans that copy words of the text.
- A label's probability, given its tokens, is plait's, within 1e-4 in float32.
- plait searches for the most probable answer; greedy decoding (`temperature=0`) takes the most
  probable token each time, and may spell a label by other tokens. So an answer may differ where two
  labels are close.
{free}"""
