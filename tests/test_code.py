"""What changes the digest of a stage's code, and what doesn't."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import projects
from plait.code import LEFT_OUT, PACKAGE, closure, digest

SOURCE = PACKAGE.parent


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This repository with the massive experiment, which has candidates of every kind."""
    return projects.working_tree(tmp_path_factory.mktemp("digests"), "massive")


def digests(tree: Path) -> dict[str, str]:
    """By path, as the stage writes them."""
    subprocess.run(
        [sys.executable, "-P", "-m", "plait.stages.code"],
        cwd=tree,
        check=True,
        env={"PYTHONPATH": str(tree / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    folder = tree / "digests"
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def before(tree: Path) -> dict[str, str]:
    return digests(tree)


@pytest.fixture
def edited(tree: Path, before: dict[str, str]) -> Callable[[str, Callable[[str], str]], set[str]]:
    """The digests that differ after an edit of files of src/plait, which is undone."""

    def edit(pattern: str, change: Callable[[str], str]) -> set[str]:
        kept = tree / "kept"
        shutil.copytree(tree / "src", kept)
        try:
            paths = list((tree / "src/plait").glob(pattern))
            assert paths
            for path in paths:
                path.write_text(change(path.read_text()))
            after = digests(tree)
        finally:
            shutil.rmtree(tree / "src")
            kept.rename(tree / "src")
        assert before.keys() == after.keys()
        return {name for name in before if before[name] != after[name]}

    return edit


Edit = Callable[[str, Callable[[str], str]], set[str]]


def reworded(source: str) -> str:
    """Every docstring and every error's words replaced, comments added, layout changed."""
    said = [
        ast.get_source_segment(source, node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ]
    for words in filter(None, said):
        source = source.replace(words, '"""Other."""')
    lines = ["# a comment", *source.splitlines()]
    opened = re.compile(r"\s*(def|class|if|for|with|try|else)\b.*:")
    lines = [f"{line}  # more" if opened.fullmatch(line) else line for line in lines]
    return "\n".join(lines) + "\n\n"


def test_no_comment_or_docstring_anywhere_changes_a_digest(edited: Edit) -> None:
    changed = []

    def change(source: str) -> str:
        other = reworded(source)
        changed.append(other != source)
        return other

    assert edited("**/*.py", change) == set()
    assert len(changed) > 100
    assert all(changed)


def test_a_method_concerns_the_trainings_that_use_it(edited: Edit, tree: Path) -> None:
    found = edited("**/methods/lora.py", lambda source: source + "\nMORE = 1\n")
    assert found
    assert all(name.startswith("train/") for name in found)
    assert not [name for name in found if "tfidf" in name]
    assert {"train/smollm2-heads-intent+slots"} <= found
    assert "train/minilm-intent" not in found


def test_an_approach_concerns_its_own_candidates_and_what_has_them_all(edited: Edit) -> None:
    found = edited("**/approaches/linear/model.py", lambda source: source + "\nMORE = 1\n")
    of_candidates = {name for name in found if "/" in name}
    assert {name.split("/")[1].split("-")[0] for name in of_candidates} == {"tfidf"}
    assert {name for name in found if "/" not in name} == {"request"}


def test_words_of_errors_and_progress_concern_nothing(edited: Edit) -> None:
    assert edited("**/errors.py", lambda source: source.replace("did you mean", "or")) == set()
    assert edited("**/progress.py", lambda source: source + "\nMORE = 1\n") == set()

    def change(source: str) -> str:
        return source.replace(
            'raise PlaitError(\n            f"', 'raise PlaitError(\n            f"!'
        )

    assert edited("**/registry/store.py", change) == set()


def test_a_template_is_code(edited: Edit) -> None:
    found = edited("**/templates/report.html", lambda source: source + " ")
    assert {"report", "validate"} <= found
    assert not [name for name in found if name.startswith(("train/", "benchmark/", "timing/"))]


def test_an_added_line_changes_what_runs_it(edited: Edit) -> None:
    found = edited("**/tasks.py", lambda source: source + "\nMORE = 1\n")
    assert {"prepare", "validate", "train/tfidf-intent", "benchmark/minilm-intent"} <= found
    assert "finish" not in found


@pytest.mark.parametrize("stage", ["benchmark", "fetch", "prepare", "report", "train", "validate"])
def test_what_a_stage_imports_is_in_its_closure(stage: str) -> None:
    """The closure follows source text: a real import must find nothing besides."""
    code = f"import sys, plait.stages.{stage}; print(*sys.modules)"
    imported = subprocess.run(
        [sys.executable, "-P", "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    ours = {name for name in imported if name.partition(".")[0] == "plait"}
    assert len(ours) > 5
    assert ours <= closure(f"plait.stages.{stage}")


def test_an_approach_is_found_through_the_registry_of_names() -> None:
    found = digest("plait.stages.benchmark", ["heads"])
    assert "plait.approaches.heads.network" in found
    assert "plait.approaches.linear" not in found
    assert not [name for name in LEFT_OUT if f"  {name}\n" in found]


def test_what_only_the_type_checker_imports_is_no_code() -> None:
    assert "plait.running.graph" in closure("plait.running.ready")
    modules = closure("plait.plans.verdict")
    assert "plait.experiment.loading" not in modules
