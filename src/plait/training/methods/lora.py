"""Low-rank adapters on all linear layers (Hu et al. 2021, arXiv 2106.09685); the rest is frozen."""

from peft import LoraConfig, get_peft_model
from transformers import PreTrainedModel

from plait.settings import Training
from plait.training.methods import Finish


def adapt(model: PreTrainedModel, settings: Training) -> Finish:
    """Put adapters into the model; at the end they are merged into its weights."""
    lora = settings.lora
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules="all-linear",
    )
    adapted = get_peft_model(model, config)

    def finish() -> None:
        adapted.merge_and_unload()

    return finish
