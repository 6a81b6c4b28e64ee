"""Several processes under a real `accelerate launch`; what would train wrongly is refused."""

import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch.distributed

from conftest import INTENT, SLOTS, candidate
from plait import bundle
from plait.approaches.heads import Heads
from plait.errors import PlaitError
from plait.training.launching import CONFIG, SHARDING, check_config, launch, own_port
from trainings import DEV, TRAIN, project, stage

CONFIGS = Path(__file__).parents[2] / "infra/accelerate"
LONG = "max_length: 100 tokens, but backbone 'tiny' reads at most 64"


def two_processes(folder: Path) -> Path:
    """gpus-8.yaml, but for two."""
    text = (CONFIGS / "gpus-8.yaml").read_text().replace("num_processes: 8", "num_processes: 2")
    (folder / "gpus-2.yaml").write_text(text)
    return folder / "gpus-2.yaml"


def test_a_launched_training_gives_the_bundle_of_one_that_is_not(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    made = candidate(INTENT, SLOTS, threads=1)
    plain = project(tmp_path / "plain", tiny_encoder, made)
    launched = project(tmp_path / "launched", tiny_encoder, made)
    for folder, config in ((plain, {}), (launched, {CONFIG: str(CONFIGS / "cpu.yaml")})):
        process = stage(folder, made, **config, ACCELERATE_USE_CPU="true")
        errors = process.communicate(timeout=120)[1].decode()
        assert process.returncode == 0, errors
    digests = {bundle.digest(each / "models" / made.name) for each in (plain, launched)}
    assert len(digests) == 1


def test_two_trainings_of_several_processes_run_at_once(tiny_encoder: Path, tmp_path: Path) -> None:
    made = candidate(INTENT, epochs=0.5, threads=1, precision="fp32")
    config = str(two_processes(tmp_path))
    folders = [project(tmp_path / name, tiny_encoder, made) for name in "ab"]
    started = [
        stage(each, made, **{CONFIG: config, "ACCELERATE_USE_CPU": "true"}) for each in folders
    ]
    for process in started:
        errors = process.communicate(timeout=200)[1].decode()
        assert process.returncode == 0, errors
        assert "already in use" not in errors
    assert len({bundle.digest(each / "models" / made.name) for each in folders}) == 1


def test_each_launch_has_a_port_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "says.py").write_text(
        "import os, pathlib, sys, time\n"
        "port = os.environ['MASTER_PORT']\n"
        "pathlib.Path(f'{sys.argv[1]} {os.environ[\"RANK\"]} {port}').touch()\n"
        "time.sleep(1)\n"
    )
    config = two_processes(tmp_path)
    monkeypatch.chdir(tmp_path)
    with ThreadPoolExecutor() as pool:
        statuses = list(pool.map(lambda name: launch(config, "says", name), "ab"))
    assert statuses == [0, 0]
    assert "already in use" not in capfd.readouterr().err
    said = sorted(path.name.split() for path in tmp_path.glob("? ? *"))
    assert [each[:2] for each in said] == [["a", "0"], ["a", "1"], ["b", "0"], ["b", "1"]]
    (a,), (b,) = ({port for name, _, port in said if name == each} for each in "ab")
    assert a != b


def test_a_held_port_is_nobodys_but_its_launchs() -> None:
    with own_port() as port, own_port() as other:
        assert port != other
        with pytest.raises(OSError, match="in use"), socket.socket() as stranger:
            stranger.bind(("127.0.0.1", port))
        store = torch.distributed.TCPStore("127.0.0.1", port, 1, is_master=True)
        assert store.port == port


@pytest.mark.parametrize("config", ["cpu", "two"])
def test_a_users_mistake_is_told_once_and_is_no_crash(
    config: str, tiny_encoder: Path, tmp_path: Path
) -> None:
    made = candidate(INTENT, max_length=100)
    folder = project(tmp_path / "p", tiny_encoder, made)
    path = CONFIGS / "cpu.yaml" if config == "cpu" else two_processes(tmp_path)
    process = stage(folder, made, **{CONFIG: str(path), "ACCELERATE_USE_CPU": "true"})
    errors = process.communicate(timeout=120)[1].decode()
    assert process.returncode == 2, errors
    assert errors.count(LONG) == 1
    assert errors.rstrip().splitlines()[-1].startswith("error: candidates.tiny-intent.training")


def test_a_crash_stays_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "crashes.py").write_text("raise SystemExit(3)\n")
    assert launch(CONFIGS / "cpu.yaml", "crashes") == 1


def test_processes_that_would_each_train_alone_are_refused(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    made = candidate(INTENT)
    folder = project(tmp_path / "p", tiny_encoder, made)
    config = str(two_processes(tmp_path))
    process = stage(folder, made, **{CONFIG: config, "CUDA_VISIBLE_DEVICES": ""})
    errors = process.communicate(timeout=120)[1].decode()
    assert process.returncode == 2, errors
    assert errors.count("WORLD_SIZE: 2 processes were started, but they found no GPU") == 1
    assert not (folder / "models").exists()


KIND = 'distributed_type: "{}"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (KIND.format("FSDP"), r"distributed_type: found 'FSDP', expected \"NO\" \(in quotes\) or"),
        (KIND.format("DEEPSPEED"), "distributed_type: found 'DEEPSPEED'"),
        (KIND.format("MEGATRON_LM"), "distributed_type: found 'MEGATRON_LM'"),
        (KIND.format("XLA"), "distributed_type: found 'XLA'"),
        ("distributed_type: NO\n", 'distributed_type: found False, expected "NO"'),
        (
            KIND.format("MULTI_GPU") + "parallelism_config: {tp_size: 2}\n",
            "parallelism_config: take",
        ),
        (KIND.format("MULTI_GPU") + "num_machines: 2\n", "num_machines: found 2, expected 1"),
        (KIND.format("MULTI_GPUS"), "'MULTI_GPUS' is not a valid DistributedType"),
        (KIND.format("NO") + "proceses: 2\n", r"unknown keys \(\['proceses'\]\)"),
        ("num_machines: 1\n", "`distributed_type` must be specified"),
        ("- FSDP\n", "expected settings, each as `name: value`"),
        ("a: [\n", "line 2: not readable as YAML"),
        ("", "expected settings"),
        (None, "no configuration of accelerate: no such file"),
    ],
)
def test_a_configuration_that_would_not_do_is_refused(
    text: str | None, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "config.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(PlaitError, match=rf"^{CONFIG}: {path}: .*{words}"):
        check_config(path)


def test_the_configurations_that_are_offered_do() -> None:
    offered = sorted(CONFIGS.glob("*.yaml"))
    for path in offered:
        check_config(path)
    assert [path.stem for path in offered] == ["cpu", "gpu", "gpus-8"]


def test_the_stage_refuses_before_it_launches(tiny_encoder: Path, tmp_path: Path) -> None:
    made = candidate(INTENT)
    folder = project(tmp_path / "p", tiny_encoder, made)
    (tmp_path / "sharded.yaml").write_text(KIND.format("FSDP"))
    process = stage(folder, made, **{CONFIG: str(tmp_path / "sharded.yaml")})
    errors = process.communicate()[1].decode()
    assert process.returncode == 2
    assert errors.startswith(f"error: {CONFIG}: ")
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize("name", SHARDING)
def test_sharding_that_the_environment_asks_for_is_refused(
    name: str, tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "true")
    with pytest.raises(PlaitError, match=f"^{name}: found true; unset it: expected"):
        Heads.train(candidate(INTENT), tiny_encoder, TRAIN, DEV, tmp_path)


def test_torchrun_by_hand_refuses_sharding_too(tiny_encoder: Path, tmp_path: Path) -> None:
    made = candidate(INTENT)
    folder = project(tmp_path / "p", tiny_encoder, made)
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    done = subprocess.run(
        [sys.executable, *launcher, "-m", "plait.stages.train", made.name],
        cwd=folder,
        env={**os.environ, "ACCELERATE_USE_CPU": "true", "ACCELERATE_USE_FSDP": "true"},
        capture_output=True,
        timeout=120,
    )
    assert done.returncode != 0
    assert b"error: ACCELERATE_USE_FSDP: found true" in done.stderr
    assert not (folder / "models").exists()
