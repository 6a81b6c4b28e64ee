"""Fetch all sources of an experiment into one folder of data and one of weights."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from plait.errors import PlaitError
from plait.experiment.schema import Experiment
from plait.files import atomic_folder, write_json
from plait.progress import Progress
from plait.sources import Source
from plait.sources.gguf import dequantise


def fetch(experiment: Experiment, data: Path, weights: Path) -> None:
    """Fetch `data`/DATASET and `weights`/BACKBONE; both folders appear whole or not at all.

    Raises:
        PlaitError: sources are unreachable or differ from their pins; all of them are listed.
    """
    datasets = {name: reader.sources() for name, reader in experiment.datasets.items()}
    backbones = {name: backbone.sources() for name, backbone in experiment.backbones.items()}
    with atomic_folder(data) as raw, atomic_folder(weights) as pretrained:
        faults = [*_bring("datasets", datasets, raw), *_bring("backbones", backbones, pretrained)]
        if faults:
            raise PlaitError("\n".join(faults))
        for name, backbone in experiment.backbones.items():
            if backbone.gguf:
                dequantise(pretrained / name, backbone.gguf)
            settings = backbone.model_dump(mode="json", exclude_none=True)
            write_json(pretrained / name / "backbone.json", settings)


def _bring(section: str, sources: Mapping[str, list[Source]], folder: Path) -> Iterator[str]:
    """Fetch all sources that can be fetched; yield a message for each that cannot."""
    with Progress(len(sources), f"fetch {section}", section[:-1]) as bar:
        for name, found in sources.items():
            (folder / name).mkdir()
            for source in found:
                try:
                    source.fetch(folder / name)
                except PlaitError as error:
                    yield f"{section}.{name}: {error}"
            bar.update()
