"""models, texts of inputs/CANDIDATE/dev → timings/requests/SERVICE.json."""

from pathlib import Path

from plait import bundle
from plait.benchmark.request_latency import time_plans
from plait.experiment import loading
from plait.files import write_json
from plait.stages import run
from plait.tasks import read_rows


def request(service: str) -> None:
    settings = loading.load()
    out = [name for name in settings.candidates if bundle.stopped(Path("models", name))]
    plans = settings.without(out).services[service].plans
    names = sorted({name for candidates in plans.values() for name in candidates})
    models = {name: bundle.load(Path("models", name))[1] for name in names}
    paths = {path.name: path for name in names for path in Path("inputs", name, "dev").iterdir()}
    texts = [row.text for _, path in sorted(paths.items()) for row in read_rows(path)]
    loaded = {plan: [models[name] for name in candidates] for plan, candidates in plans.items()}
    write_json(Path("timings/requests", f"{service}.json"), time_plans(loaded, texts))


if __name__ == "__main__":
    run(request)
