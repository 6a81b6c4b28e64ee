"""Constrained answers of a decoder equal those found one token and one label at a time."""

import itertools
from collections.abc import Sequence
from math import prod
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from conftest import INTENT, SLOTS, home_rows
from plait.approaches.prepacked import ENGINE, Prepacked, parameters_count
from plait.approaches.prompting.answers import Form
from plait.approaches.prompting.asking import Asking, decoder_forms
from plait.approaches.prompting.chat import Chat
from plait.approaches.prompting.context import Context, Tree
from plait.approaches.prompting.copying import Copy
from plait.approaches.prompting.decoder import Decoder
from plait.approaches.prompting.trie import Trie
from plait.approaches.prompting.written import Written
from plait.errors import PlaitError
from plait.tasks import LabelPrediction, Task

PREFIXES = Task(
    "prefixes", "home", "classification", "intent", ("turn", "turn_off", "turn_on"), "accuracy"
)
TEXTS = [row.text for row in home_rows(9)] + ["a", "attic attic, the attic attic!"]


@pytest.fixture(scope="module")
def decoder(tiny_decoder: Path) -> Decoder:
    found = Decoder.load(tiny_decoder, 32, torch.float32)
    found.model.eval()
    return found


def logits(decoder: Decoder, tokens: Sequence[int]) -> torch.Tensor:
    """Of the next token, by a plain forward pass over everything."""
    with torch.inference_mode():
        return decoder.model(torch.tensor([list(tokens)])).logits[0, -1].double()


def asked(decoder: Decoder, asking: Asking, form: Form, text: str) -> list[int]:
    around = asking.prompt(form, text)
    return [*around.prefix, *decoder.cut(text)[1], *around.suffix]


def slow_label(decoder: Decoder, trie: Trie, begun: list[int]) -> dict[str, float]:
    """Each label by itself, renormalised over the trie at each of its tokens."""
    found = {}
    for name, tokens in trie.answers.items():
        shares = []
        for end, token in enumerate(tokens):
            choices = trie.choices(tokens[:end])
            scores = logits(decoder, [*begun, *tokens[:end]])[choices].softmax(-1)
            shares.append(float(scores[choices.index(token)]))
        found[name] = prod(shares)
    return found


def slow_spans(
    decoder: Decoder, form: Form, task: Task, begun: list[int], text: str
) -> list[tuple[int, int, str]]:
    """Types by exhaustive search, values token by token, each from a forward pass of its own."""
    trie, spans, cursor = form.trie(task), [], 0
    copy = Copy(form, Written(text), cursor)
    while cursor < len(copy.text.places):
        types = slow_label(decoder, trie, begun)
        label = max(types, key=lambda name: types[name])
        begun = [*begun, *trie.answers[label]]
        if not label:
            break
        threads = Copy(form, Written(text), cursor).begin()
        while not threads.finished:
            options = threads.options()
            token = options[int(logits(decoder, begun)[options].argmax())]
            begun, threads = [*begun, token], threads.take(token)
        first, cursor = threads.run()
        spans.append((copy.text.places[first][0], copy.text.places[cursor - 1][1], label))
    return spans


@pytest.mark.parametrize("task", [INTENT, PREFIXES])
def test_label_probabilities_equal_those_of_each_label_alone(decoder: Decoder, task: Task) -> None:
    forms = decoder_forms((task,), True, decoder)
    asking = Asking(decoder, forms, "constrained")
    prompts = [asking.prompt(forms[0])] * len(TEXTS)
    found = decoder.answer(TEXTS, prompts, forms[0], asking.tries)
    for text, answers in zip(TEXTS, found, strict=True):
        choice = answers[task.name]
        assert isinstance(choice, LabelPrediction)
        slow = slow_label(decoder, asking.tries[task.name], asked(decoder, asking, forms[0], text))
        assert choice.probabilities == pytest.approx(slow, abs=1e-5)
        assert sum(slow.values()) == pytest.approx(1)


@pytest.mark.parametrize("batch_size", [1, 4, 32])
def test_spans_equal_those_of_copying_token_by_token(decoder: Decoder, batch_size: int) -> None:
    forms = decoder_forms((SLOTS,), True, decoder)
    asking = Asking(decoder, forms, "constrained")
    found = asking.answers(TEXTS, batch_size)["slots"]
    assert sum(map(len, found)) > len(TEXTS)
    for text, spans in zip(TEXTS, found, strict=True):
        begun = asked(decoder, asking, forms[0], text)
        slow = slow_spans(decoder, forms[0], SLOTS, begun, text)
        assert [(s.start, s.end, s.label) for s in spans] == slow
        assert all(0 < s.probability <= 1 for s in spans)


def test_a_joint_answer_goes_on_where_its_first_part_ends(decoder: Decoder) -> None:
    forms = decoder_forms((INTENT, SLOTS), True, decoder)
    assert len(forms) == 1
    asking = Asking(decoder, forms, "constrained")
    found = asking.answers(TEXTS, 4)
    for text, choice, spans in zip(TEXTS, found["intent"], found["slots"], strict=True):
        begun = asked(decoder, asking, forms[0], text)
        slow = slow_label(decoder, asking.tries["intent"], begun)
        best = max(slow, key=lambda name: slow[name])
        assert choice.label == best
        begun += asking.tries["intent"].answers[best]
        slow_found = slow_spans(decoder, forms[0], SLOTS, begun, text)
        assert [(s.start, s.end, s.label) for s in spans] == slow_found


def test_looking_at_branches_leaves_no_trace(decoder: Decoder) -> None:
    context = Context(decoder.model, 2)
    with torch.inference_mode():
        context.look([Tree.of((5, 6, 7), [])[0], Tree.of((9,), [])[0]])
        trees = [Tree.of((8,), [(1, 2), (1, 3), (4,)]), Tree.of((10, 11), [(), (12,)])]
        hidden = context.look([tree for tree, _ in trees])
        again = context.look([Tree.of((20,), [])[0], Tree.of((21,), [])[0]])
        for row, read in enumerate([(5, 6, 7), (9,)]):
            tree, ends = trees[row]
            paths = [[(1, 2), (1, 3), (4,)], [(), (12,)]][row]
            for end, path in zip(ends, paths, strict=True):
                whole = torch.tensor([[*read, *tree.tokens[: tree.stem], *path]])
                expected = decoder.model.base_model(whole).last_hidden_state[0, -1]
                assert torch.allclose(hidden[row, end], expected, atol=1e-5)
            whole = torch.tensor([[*read, *tree.tokens[: tree.stem], 20 + row]])
            expected = decoder.model.base_model(whole).last_hidden_state[0, -1]
            assert torch.allclose(again[row, 0], expected, atol=1e-5)


def test_free_answers_are_read_and_invalid_ones_counted(decoder: Decoder) -> None:
    forms = decoder_forms((INTENT, SLOTS), True, decoder)
    asking = Asking(decoder, forms, "free")
    together = asking.answers(TEXTS, 4)
    assert asking.given["answers"] == len(TEXTS)
    assert asking.given["invalid"] > 0  # of random weights
    assert asking.answers(TEXTS, 1) == together
    bound = Asking(decoder, forms, "constrained")
    bound.answers(TEXTS, 4)
    assert bound.given == {"answers": len(TEXTS), "invalid": 0}


def test_a_prompt_longer_than_the_context_is_refused(tiny_decoder: Path) -> None:
    def check(tasks: tuple[Task, ...], length: int) -> None:
        decoder = Decoder.load(tiny_decoder, length, torch.float32)
        Asking(decoder, decoder_forms(tasks, True, decoder), "constrained").check("c")

    for tasks in ((INTENT,), (INTENT, SLOTS)):
        with pytest.raises(
            PlaitError, match=r"c\.training\.max_length: found 500, .* texts of \d+"
        ) as e:
            check(tasks, 500)
        most = int(str(e.value).partition("texts of ")[2].partition(".")[0])
        assert most > 30
        check(tasks, most)
        with pytest.raises(PlaitError, match=f"found {most + 1}"):
            check(tasks, most + 1)


def test_a_long_text_is_cut_and_its_spans_stay_within(decoder: Decoder) -> None:
    forms = decoder_forms((SLOTS,), True, decoder)
    text = "the attic " * 200
    asking = Asking(decoder, forms, "constrained")
    (spans,) = asking.answers([text], 1)["slots"]
    covered, tokens = decoder.cut(text)
    assert len(tokens) == 32
    assert all(span.end <= len(covered) for span in spans)


def test_a_tokenizer_without_chat_form_or_system_role_serves_too(tiny_decoder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_decoder)
    shots = (("a", "b"),)
    with_chat = Chat(tokenizer).prompt("Name it.", shots)
    decoded = tokenizer.decode(with_chat.prefix), tokenizer.decode(with_chat.suffix)
    assert decoded[0].endswith("<|im_start|>user\n")
    assert "Name it." in decoded[0]
    assert decoded[1] == "<|im_end|>\n<|im_start|>assistant\n"
    assert Chat(tokenizer).end == tokenizer.convert_tokens_to_ids("<|im_end|>")
    tokenizer.chat_template = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        + tokenizer.chat_template
    )
    without = Chat(tokenizer).prompt("Name it.", shots)
    assert "user\nName it.\n\na" in tokenizer.decode(without.prefix)
    tokenizer.chat_template = None
    plain = Chat(tokenizer).prompt("Name it.", shots)
    assert tokenizer.decode(plain.prefix) == "<s>Name it.\n\nText: a\nAnswer: b\n\nText:"
    assert (Chat(tokenizer).gap, Chat(tokenizer).lead) == (" ", " ")
    assert tokenizer.decode(plain.suffix) == "\nAnswer:"


def test_the_head_of_the_vocabulary_is_the_models_own(decoder: Decoder, tiny_decoder: Path) -> None:
    """Scores of chosen tokens come from rows of the head; they must be the model's logits."""
    model = AutoModelForCausalLM.from_pretrained(tiny_decoder).eval()
    tokens, chosen = [5, 9, 40, 7], [3, 50, 90]
    with torch.inference_mode():
        expected = model(torch.tensor([tokens])).logits[0, -1][chosen].log_softmax(-1)
        hidden = model.base_model(torch.tensor([tokens])).last_hidden_state[0, -1]
        found = decoder.log_probabilities(hidden, chosen)
    assert torch.allclose(found, expected, atol=1e-5)


def test_pieces_of_all_lengths_are_copied(decoder: Decoder) -> None:
    """Long values are looked at in several passes."""
    forms = decoder_forms((SLOTS,), True, decoder)
    asking = Asking(decoder, forms, "constrained")
    words = ["the attic number 1", "garage", "hall and office and kitchen and bedroom and hall"]
    texts = [" ".join(order) for order in itertools.permutations(words)]
    for text, spans in zip(texts, asking.answers(texts, 3)["slots"], strict=True):
        begun = asked(decoder, asking, forms[0], text)
        slow = slow_spans(decoder, forms[0], SLOTS, begun, text)
        assert [(s.start, s.end, s.label) for s in spans] == slow


@pytest.mark.skipif(
    ENGINE not in torch.backends.quantized.supported_engines, reason="nothing is packed here"
)
def test_packed_weights_answer_alike_and_are_not_saved(
    decoder: Decoder, tiny_decoder: Path, tmp_path: Path
) -> None:
    packed = Decoder.ready(tiny_decoder, 32, "fp32")
    kinds = [type(module) for module in packed.model.base_model.modules()]
    assert Prepacked in kinds
    assert torch.nn.Linear not in kinds
    assert parameters_count(packed.model) == parameters_count(decoder.model)
    forms = decoder_forms([INTENT, SLOTS], True, decoder)
    answers = [
        Asking(model, forms, "constrained").answers(TEXTS, 3)[INTENT.name]
        for model in (decoder, packed)
    ]
    for one, other in zip(*answers, strict=True):
        assert isinstance(one, LabelPrediction)
        assert isinstance(other, LabelPrediction)
        assert one.label == other.label
        assert one.probabilities == pytest.approx(other.probabilities, abs=5e-3)
    with pytest.raises(RuntimeError, match="was loaded for answers"):
        packed.save(tmp_path, torch.float32)
    assert not list(tmp_path.iterdir())


def test_a_decoder_that_is_not_packed_is_saved_as_it_was(
    decoder: Decoder, tiny_decoder: Path, tmp_path: Path
) -> None:
    """As approach `prompt` does, which learns nothing."""
    Decoder.ready(tiny_decoder, 32, "fp32", packed=False).save(tmp_path, torch.float32)
    again = Decoder.load(tmp_path, 32, torch.float32).model.state_dict()
    for name, value in decoder.model.state_dict().items():
        assert torch.equal(again[name], value), name


def test_each_forms_prefix_is_read_once_while_there_is_room(
    tiny_decoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Decoder.ready(tiny_decoder, 32, "fp32")
    read: list[tuple[int, ...]] = []
    look = Context.look

    def noted(context: Context, trees: Sequence[Tree]) -> torch.Tensor:
        read.append(trees[0].tokens)
        return look(context, trees)

    monkeypatch.setattr(Context, "look", noted)
    tasks = [
        Task(name, "home", "classification", "intent", INTENT.labels, "accuracy")
        for name in "abcde"
    ]
    asking = Asking(model, decoder_forms(tasks, False, model), "constrained")
    prefixes = [asking.prompt(form).prefix for form in asking.forms]
    few = Asking(model, asking.forms[:4], "constrained")
    first, again = few.answers(TEXTS[:1], 1), few.answers(TEXTS[:1], 1)
    assert [read.count(prefix) for prefix in prefixes] == [1, 1, 1, 1, 0]
    assert first == again
    asking.answers(TEXTS[:1], 1)  # the fifth takes the first one's place
    assert few.answers(TEXTS[:1], 1) == first
    assert [read.count(prefix) for prefix in prefixes] == [2, 2, 2, 2, 1]
