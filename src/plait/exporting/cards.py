"""The README of an export: what it is, its labels, how to use it, what of its answers is equal."""

from huggingface_hub import ModelCardData

from plait.exporting.exported import Comparison, Exported
from plait.exporting.formats import FORMATS
from plait.pages.markdown import escape

LIBRARIES = {"onnx": "onnx", "skops": "sklearn", "transformers": "transformers", "vllm": "vllm"}
HUB_TASKS = {
    "classification": "text-classification",
    "multilabel": "text-classification",
    "tagging": "token-classification",
}


def card(exported: Exported, name: str, usage: str, found: Comparison) -> str:
    """The README.

    Args:
        name: of the format.
        usage: its part on use, by the format's module.
    """
    candidate = exported.candidate
    said = "".join(f"- {sentence}\n" for sentence in found.said)
    return f"""---
{_metadata(exported, name)}
---

# {escape(candidate.name)}

{_made(name)}: exported by plait from the candidate {escape(candidate.name)}
(backbone {escape(candidate.backbone)}, approach {candidate.approach}, method {candidate.method}).

{_tasks(exported)}
{usage}
When it was exported, {found.texts} texts were answered by this folder and by plait: the largest
difference of a probability was {found.largest:.1e}.
{said}
## Origin

{exported.origin or f"Backbone {escape(candidate.backbone)}; its licence is not known here."}
The licence of the backbone and that of the training data hold for these weights.
"""


def _metadata(exported: Exported, name: str) -> str:
    kinds = dict.fromkeys(HUB_TASKS[task.kind] for task in exported.tasks)
    kind = "text-generation" if name == "vllm" else next(iter(kinds))
    data = ModelCardData(
        library_name=LIBRARIES[name],
        pipeline_tag=kind,
        tags=["plait"],
        datasets=sorted({task.dataset for task in exported.tasks}),
    )
    return str(data.to_yaml())


def _made(name: str) -> str:
    made = FORMATS[name].made
    return made[0].upper() + made[1:]


def _tasks(exported: Exported) -> str:
    rows = (
        f"| {escape(task.name)} | {task.kind} | {', '.join(map(escape, task.labels))} |\n"
        for task in exported.tasks
    )
    return "| task | kind | labels |\n|---|---|---|\n" + "".join(rows)
