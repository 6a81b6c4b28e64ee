"""Tokenizers that load, and a refusal by name of those that would not read a text rightly."""

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer, BertConfig, CanineConfig, DebertaV2Config, Qwen2Config

from plait.approaches.reading.coverage import Coverage, check_unknown
from plait.approaches.reading.tokenizers import load_tokenizer
from plait.errors import PlaitError
from plait.files import write_json

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "water", "12")


def refused(folder: Path) -> str:
    with pytest.raises(PlaitError) as caught:
        load_tokenizer(folder, "mine")
    assert str(caught.value).startswith("backbone 'mine': ")
    return str(caught.value)


def word_level(folder: Path, *words: str, size: int = 0) -> Tokenizer:
    """A folder with a tokenizer of whole words, read as tokenizer.json says."""
    BertConfig(vocab_size=size or len(words)).save_pretrained(folder)
    found = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
    found.pre_tokenizer = pre_tokenizers.Whitespace()
    return saved(found, folder)


def saved(tokenizer: Tokenizer, folder: Path, **settings: Any) -> Tokenizer:
    tokenizer.save(str(folder / "tokenizer.json"))
    marks = {"unk_token": "[UNK]", "pad_token": "[PAD]", "mask_token": "[MASK]"}
    kind = {"tokenizer_class": "PreTrainedTokenizerFast"}
    write_json(folder / "tokenizer_config.json", {**kind, **marks, **settings})
    return tokenizer


def test_sound_tokenizers_load(tiny_encoder: Path, tiny_decoder: Path, tmp_path: Path) -> None:
    word_level(tmp_path, *WORDS)
    for folder in (tiny_encoder, tiny_decoder, tmp_path):
        found, same = load_tokenizer(folder, "mine"), AutoTokenizer.from_pretrained(folder)
        assert found("turn the water on")["input_ids"] == same("turn the water on")["input_ids"]


@pytest.mark.parametrize("config", [DebertaV2Config, Qwen2Config, BertConfig])
@pytest.mark.parametrize("size", [30_000, 7])
def test_a_tokenizer_without_its_files(config: Any, size: int, tmp_path: Path) -> None:
    """transformers gives it a few marks; where the embedding is small, too, it knows no word."""
    config(vocab_size=size, pad_token_id=0).save_pretrained(tmp_path)
    assert len(AutoTokenizer.from_pretrained(tmp_path)) <= 7
    message = refused(tmp_path)
    assert "Found no file of a tokenizer; needed is tokenizer.json" in message
    assert ("but the embedding 30000" in message) == (size == 30_000)


@pytest.mark.skipif(find_spec("sentencepiece") is not None, reason="sentencepiece is installed")
@pytest.mark.parametrize("name", ["spm.model", "spiece.model", "tokenizer.model"])
def test_a_model_file_that_no_package_reads(name: str, tmp_path: Path) -> None:
    kind = {"spm.model": "deberta-v2", "spiece.model": "t5", "tokenizer.model": "llama"}[name]
    write_json(tmp_path / "config.json", {"model_type": kind})
    (tmp_path / name).write_bytes(b"no vocabulary")
    message = refused(tmp_path)
    assert "its tokenizer doesn't load (ValueError: " in message
    assert f"Found {name}; needed is tokenizer.json" in message
    assert "A .model file alone takes sentencepiece and protobuf, or tiktoken" in message
    assert "pip install sentencepiece" in message


def test_a_broken_file(tmp_path: Path) -> None:
    word_level(tmp_path, *WORDS)
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    message = refused(tmp_path)
    assert "doesn't load (" in message
    assert "Found tokenizer.json; needed" in message


def test_a_tokenizer_without_offsets(tmp_path: Path) -> None:
    CanineConfig().save_pretrained(tmp_path)
    assert "(CanineTokenizer) is written in Python and gives no character" in refused(tmp_path)


def test_a_tokenizer_that_needs_code(tmp_path: Path) -> None:
    write_json(tmp_path / "config.json", {"model_type": "own"})
    write_json(tmp_path / "tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["a.B", None]}})
    (tmp_path / "a.py").write_text("raise SystemExit('code of a backbone ran')", encoding="utf-8")
    assert "doesn't load (ValueError: " in refused(tmp_path)


def test_a_vocabulary_of_another_model(tmp_path: Path) -> None:
    word_level(tmp_path, *WORDS, size=2 * len(WORDS) + 1)
    assert f"has {len(WORDS)} tokens, but the embedding {2 * len(WORDS) + 1}" in refused(tmp_path)
    word_level(tmp_path, *WORDS, size=2 * len(WORDS))
    assert load_tokenizer(tmp_path, "mine")


def test_the_embedding_of_a_nested_configuration(tmp_path: Path) -> None:
    word_level(tmp_path, *WORDS)
    text = {"model_type": "gemma3_text", "vocab_size": 1000}
    write_json(tmp_path / "config.json", {"model_type": "gemma3", "text_config": text})
    assert "has 8 tokens, but the embedding 1000" in refused(tmp_path)


def test_a_tokenizer_that_knows_no_word(tmp_path: Path) -> None:
    word_level(tmp_path, "[PAD]", "[UNK]", "[MASK]", "▁", "Ġ")
    assert "its tokenizer knows none of the, water, home, 12" in refused(tmp_path)


@pytest.mark.parametrize("word", ["the", "12", "вода", "水", "ماء"])
def test_one_script_is_enough(word: str, tmp_path: Path) -> None:
    word_level(tmp_path, "[PAD]", "[UNK]", "[MASK]", word)
    assert load_tokenizer(tmp_path, "mine").tokenize(word) == [word]


def test_words_beyond_the_embedding(tmp_path: Path) -> None:
    word_level(tmp_path, *WORDS, "fire", "wind", size=len(WORDS))
    message = refused(tmp_path)
    assert "token 'fire' of its tokenizer is number 8, but the embedding ends at 7" in message
    assert "2 such token(s)" in message


@pytest.mark.parametrize("settings", [{"pad_token": "<pad>"}, {"eos_token": "<pad>"}])
def test_a_mark_beyond_the_embedding(settings: dict[str, str], tmp_path: Path) -> None:
    found = word_level(tmp_path, *WORDS)
    saved(found, tmp_path, **settings)
    assert "token '<pad>' of its tokenizer is number 8" in refused(tmp_path)


def test_an_ordinary_added_token_beyond_the_embedding(tmp_path: Path) -> None:
    found = word_level(tmp_path, *WORDS)
    found.add_tokens([AddedToken("fire")])
    saved(found, tmp_path)
    assert "token 'fire' of its tokenizer is number 8" in refused(tmp_path)


def test_a_special_token_that_a_text_could_spell_is_plain_text(tmp_path: Path) -> None:
    """Gemma 3's text models have an image's mark one beyond their embedding."""
    found = word_level(tmp_path, *WORDS)
    found.add_special_tokens([AddedToken("<image>", special=True)])
    saved(found, tmp_path, image_token="<image>")
    text = "the <image> water"
    assert 8 in AutoTokenizer.from_pretrained(tmp_path)(text)["input_ids"]
    loaded = load_tokenizer(tmp_path, "mine")
    assert loaded(text)["input_ids"] == [5, 1, 1, 1, 6]  # < image > are unknown words
    again = tmp_path / "again"
    loaded.save_pretrained(again)
    shutil.copy(tmp_path / "config.json", again)
    assert load_tokenizer(again, "mine")(text)["input_ids"] == [5, 1, 1, 1, 6]


def test_unknown_tokens_of_training_texts() -> None:
    check_unknown(Coverage(), "mine", "minilm")
    check_unknown(Coverage(rows=9, tokens=1000, tokens_unknown=100), "mine", "minilm")
    with pytest.raises(PlaitError) as caught:
        check_unknown(Coverage(rows=9, tokens=1000, tokens_unknown=184), "mine", "minilm")
    message = str(caught.value)
    assert "candidate 'mine': 18% of the tokens of its training texts are unknown" in message
    assert "backbone 'minilm', at most 10% may be" in message
    assert "choose a multilingual backbone" in message
