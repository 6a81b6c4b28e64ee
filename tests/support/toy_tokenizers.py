"""Small tokenizers of each family, trained on the toy commands, in their architectures' classes."""

import json
from string import ascii_lowercase, digits, punctuation
from typing import Any

import regex
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)
from tokenizers.trainers import BpeTrainer
from transformers import TokenizersBackend

from plait.approaches.prompting.instructions import instruction
from plait.conformance.toy import LANGUAGES, TASKS

ASCII = ascii_lowercase + digits + punctuation
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def texts() -> list[str]:
    """Each phrase at a text's beginning and after a space, and the words of answers."""
    phrases = [phrase for language in LANGUAGES for phrase in language.phrases()]
    labels = [label for task in TASKS for label in task.labels]
    asked = instruction(TASKS, labels=True).split()
    return [space + each for each in [*phrases, *labels, *asked] * 2 for space in ("", " ")]


def word_pieces(cls: Any, *special: str, **options: Any) -> Any:
    """WordPiece: whole words, and all characters to begin and to go on with.

    Args:
        special: the special tokens, in the order of their ids.
    """
    plain = cls(vocab={token: i for i, token in enumerate(special)}, **options).backend_tokenizer
    normalised = [plain.normalizer.normalize_str(text) for text in texts()]
    words = [w for t in normalised for w, _ in plain.pre_tokenizer.pre_tokenize_str(t)]
    letters = sorted(set("".join(words)) | set(ASCII))
    pieces = dict.fromkeys([*special, *words, *letters, *(f"##{letter}" for letter in letters)])
    return cls(vocab={piece: i for i, piece in enumerate(pieces)}, **options)


def _trained_bpe(pre_tokenizer: Any, special: tuple[str, ...], alphabet: list[str]) -> Any:
    """Vocabulary and merges, special tokens first."""
    found = Tokenizer(models.BPE())
    found.pre_tokenizer = pre_tokenizer
    trainer = BpeTrainer(
        vocab_size=1000,
        special_tokens=list(special),
        initial_alphabet=alphabet,
        show_progress=False,
    )
    found.train_from_iterator(texts(), trainer)
    model = json.loads(found.to_str())["model"]
    return model["vocab"], [tuple(merge) for merge in model["merges"]]


def byte_level(cls: Any, *special: str, pattern: str = "", **options: Any) -> Any:
    """BPE over bytes, as in GPT-2; a class of its own pattern brings its own pre-tokenizer."""
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    before = _byte_level_split(pattern)
    vocab, merges = _trained_bpe(before, special, alphabet)
    if cls is not TokenizersBackend:
        return cls(vocab=vocab, merges=merges, **options)
    found = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    found.pre_tokenizer = before
    found.decoder = decoders.ByteLevel()
    return _wrapped(found, special, **options)


def _byte_level_split(pattern: str) -> Any:
    if not pattern:
        return pre_tokenizers.ByteLevel(add_prefix_space=False)
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def _wrapped(found: Tokenizer, special: tuple[str, ...], **options: Any) -> Any:
    """In the general class, with special tokens and, where `opening` says, one before each text."""
    opening = options.pop("opening", None)
    closing = options.pop("closing", None)
    found.add_special_tokens([AddedToken(token, special=True) for token in special])
    around = [token for token in (opening, closing) if token]
    if around:
        single = " ".join(filter(None, [opening, "$A", closing]))
        numbers = [(token, found.token_to_id(token)) for token in around]
        found.post_processor = processors.TemplateProcessing(single=single, special_tokens=numbers)
    return TokenizersBackend(tokenizer_object=found, **options)


def byte_fallback(cls: Any, *special: str, prepend: bool = False, **options: Any) -> Any:
    """BPE over characters with `▁` for spaces and bytes for the rest, as SentencePiece has it.

    Args:
        prepend: Llama 2's `tokenizer.json`, whose normaliser puts the first `▁`; else the class's.
    """
    split = pre_tokenizers.Metaspace(prepend_scheme="never", split=True)
    vocab, merges = _trained_bpe(split, (*special, *BYTES), [])
    if not prepend:
        return cls(vocab=vocab, merges=merges, **options)
    found = Tokenizer(
        models.BPE(vocab=vocab, merges=merges, fuse_unk=True, byte_fallback=True, unk_token="<unk>")
    )
    found.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    found.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    return _wrapped(found, special, opening="<s>", **options)


def unigram(cls: Any, *special: str, **options: Any) -> Any:
    """SentencePiece's Unigram: words and characters; Han and Thai follow a `▁` of their own."""
    plain = cls(**options).backend_tokenizer.normalizer
    spoken = [plain.normalize_str(text) if plain else text for text in texts()]
    words = dict.fromkeys(word for text in spoken for word in text.split())
    spaced = [f"▁{word}" for word in words if not regex.match(r"\p{Han}|\p{Thai}", word)]
    letters = sorted(set("".join(words)) | set(ASCII) | {"▁"})
    pieces = {**dict.fromkeys(letters, -10.0), **dict.fromkeys([*spaced, *words], -8.0)}
    rest = [(piece, score) for piece, score in pieces.items() if piece not in special]
    return cls(vocab=[*((token, 0.0) for token in special), *rest], **options)
