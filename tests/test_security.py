"""What SECURITY.md promises: no foreign code, nothing beyond loopback, no telemetry."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import torch

from conftest import INTENT, candidate
from plait import strict_yaml
from plait.approaches.heads import Heads
from plait.approaches.heads.learning import LearnedHeads
from plait.approaches.prompting.decoder import Decoder
from plait.errors import PlaitError
from plait.running import graph, prefect_server
from plait.settings import Training

CODE = """
from pathlib import Path
Path({marker!r}).touch()
from transformers import PretrainedConfig, PreTrainedModel
class C(PretrainedConfig):
    model_type = "foreign"
class M(PreTrainedModel):
    config_class = C
"""


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model's folder with a class of its own, and a person who agrees to everything."""
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "code.py").write_text(CODE.format(marker=str(tmp_path / "it-ran")))
    names = ("AutoModel", "AutoModelForCausalLM")
    own = {"AutoConfig": "code.C", **dict.fromkeys(names, "code.M")}
    config = {"model_type": "foreign", "auto_map": own}
    (folder / "config.json").write_text(json.dumps(config))
    shutil.copytree(folder, tmp_path / "bundle/backbone")
    kept = {"max_length": 8, "precision": "fp32", "windows": False}
    (tmp_path / "bundle/heads.json").write_text(json.dumps(kept))
    return folder


def test_no_model_is_asked_for_its_code(foreign: Path) -> None:
    with pytest.raises(PlaitError, match="custom code"):
        Decoder.load(foreign, 8, torch.float32)
    with pytest.raises(PlaitError, match="custom code"):
        LearnedHeads.build(candidate(INTENT), foreign, Training())
    with pytest.raises(PlaitError, match="custom code"):
        Heads.load(foreign.parent / "bundle", (INTENT,))
    assert not (foreign.parent / "it-ran").exists()


def test_a_yaml_file_makes_no_objects(tmp_path: Path) -> None:
    marker = tmp_path / "it-ran"
    path = tmp_path / "params.yaml"
    path.write_text(f"seed: !!python/object/apply:os.mkdir [{marker}]\n")
    with pytest.raises(PlaitError, match=r"params.yaml, line 1: not readable as YAML"):
        strict_yaml.read(path)
    assert not marker.exists()


@pytest.mark.services
def test_the_server_listens_on_loopback_alone(tmp_path: Path) -> None:
    try:
        found = prefect_server.start(tmp_path, prefect_server._free_port())
        leader = psutil.Process(found.pid)
        sockets = [s for p in (leader, *leader.children(True)) for s in p.net_connections()]
        listening = {s.laddr.ip for s in sockets if s.status == psutil.CONN_LISTEN}
        assert listening == {"127.0.0.1"}
    finally:
        prefect_server.stop(tmp_path)


def test_stages_and_servers_report_home_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DVC_NO_ANALYTICS", "DO_NOT_TRACK", "HF_HUB_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "0")
    stage = graph.environment()
    assert [stage[name] for name in graph.TELEMETRY_OFF] == ["1", "1", "1"]
    monkeypatch.delenv("PREFECT_SERVER_ANALYTICS_ENABLED", raising=False)
    ours = prefect_server.settings(Path(), "http://127.0.0.1:4200/api")
    assert ours["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"


def test_libraries_believe_that_telemetry_is_off(tmp_path: Path) -> None:
    """Asked of the libraries in a folder without settings, after the command line has run."""
    code = (
        "import sys, contextlib; from plait import cli; sys.argv = ['plait', '--help']\n"
        "with contextlib.suppress(SystemExit): cli.main()\n"
        "from dvc.analytics import is_enabled\n"
        "from huggingface_hub.constants import HF_HUB_DISABLE_TELEMETRY as hub_is_off\n"
        "from prefect.settings import get_current_settings as prefect\n"
        "print([is_enabled(), not hub_is_off, prefect().server.analytics_enabled])"
    )
    quiet = {"DVC_NO_ANALYTICS", "DO_NOT_TRACK", "HF_HUB_DISABLE_TELEMETRY"}
    env = {k: v for k, v in os.environ.items() if k not in quiet and "ANALYTICS" not in k}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1:] == ["[False, False, False]"], done.stderr
