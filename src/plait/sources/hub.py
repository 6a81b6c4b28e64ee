"""A model or data set on the Hugging Face Hub, at one commit."""

import os
import shutil
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from plait.errors import PlaitError
from plait.sources.base import InsidePath, Sha256, Source, mirror, verify

# The files of a model: no pickled weights, no code.
SAFE_FILES = (
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "model.safetensors.index.json",
    "model-*-of-*.safetensors",
    "tokenizer.json",
    "tokenizer.*.json",  # one for each version of transformers
    "tokenizer_config.json",
    "tokenizer.model",
    "sentencepiece.bpe.model",
    "sentencepiece.model",
    "spiece.model",
    "spm.model",
    "tiktoken.model",
    "tekken.json",
    "added_tokens.json",
    "special_tokens_map.json",
    "vocab.txt",
    "vocab.json",
    "entity_vocab.json",
    "normalizer.json",
    "merges.txt",
    "chat_template.jinja",
    "additional_chat_templates/*.jinja",
)
_SAFE_SUFFIXES = (
    ".json",
    ".jsonl",
    ".ndjson",
    ".csv",
    ".tsv",
    ".txt",
    ".safetensors",
    ".model",
    ".jinja",
    ".parquet",
    ".xlsx",
    ".gz",
    ".zst",
    ".zip",
)


class Hub(Source):
    """Files of a repository at a commit (40 hex digits, since names such as `main` move).

    `files` are patterns; the default suits models. `sha256` additionally pins single files.
    """

    repo: Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$")]
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    type: Literal["model", "dataset"] = "model"
    files: Annotated[tuple[InsidePath, ...], Field(min_length=1)] = SAFE_FILES
    sha256: Mapping[InsidePath, Sha256] = {}

    def bring(self, folder: Path) -> None:
        root = mirror()
        local = root / "hub" / self.repo / self.revision if root else None
        if local and local.is_dir():
            self._copy(local, folder)
        else:
            self._snapshot(folder)
        self._check(folder)

    def _copy(self, local: Path, folder: Path) -> None:
        for path in sorted(local.rglob("*")):
            name = path.relative_to(local).as_posix()
            if path.is_file() and any(fnmatch(name, pattern) for pattern in self.files):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, folder / name)

    def _snapshot(self, folder: Path) -> None:
        os.environ.update(HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1")
        from huggingface_hub import snapshot_download

        try:
            snapshot_download(
                self.repo,
                repo_type=self.type,
                revision=self.revision,
                allow_patterns=list(self.files),
                local_dir=folder,
                endpoint=os.environ.get("HF_ENDPOINT"),
            )
        except Exception as error:
            raise PlaitError(self._unreachable(error)) from error
        finally:
            shutil.rmtree(folder / ".cache", ignore_errors=True)

    def _unreachable(self, error: Exception) -> str:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        return (
            f"{self.type} {self.repo} at {self.revision}: could not be fetched from the Hub "
            f"({reason[0]}). Check the network, the name and the commit; or put the files into "
            f"PLAIT_MIRROR/hub/{self.repo}/{self.revision}/."
        )

    def _check(self, folder: Path) -> None:
        found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
        unsafe = sorted(name for name in found if not name.endswith(_SAFE_SUFFIXES))
        if unsafe:
            raise PlaitError(
                f"{self.repo}: {unsafe[0]} may hold code or pickles. Leave it out of `files`."
            )
        missing = sorted(set(self.sha256) - found)
        if self.type == "model":
            missing += [name for name in ("config.json",) if name not in found]
            if not any(name.endswith(".safetensors") for name in found):
                missing.append("*.safetensors")
        if missing or not found:
            raise PlaitError(
                f"{self.type} {self.repo} at {self.revision}: has no {', '.join(missing) or 'file'}"
                f" (found: {', '.join(sorted(found)) or 'nothing'}). Pickled weights are never "
                "loaded: choose a commit with safetensors."
            )
        for name, digest in self.sha256.items():
            verify(folder / name, (digest,), "Fetch again, or correct the pin.")
