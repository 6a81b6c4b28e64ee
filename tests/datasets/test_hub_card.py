"""Names of classes in the README.md of a data set."""

from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from datasets import ClassLabel, Dataset, Features, Value
from plait.datasets.hub_card import card_classes
from plait.datasets.inspecting.suggesting import Choice, inspect
from plait.datasets.table import Table
from plait.errors import PlaitError

LABEL = """  - name: label
    dtype:
      class_label:
        names:
          '0': bad
          '1': good
"""


def card(folder: Path, features: str) -> Path:
    path = folder / "README.md"
    path.write_text(f"---\ndataset_info:\n{features}---\n# Reviews\n", encoding="utf-8")
    return path


def test_classes_of_columns_and_of_lists_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    names = "".join(f"          '{n}': name {n}\n" for n in (10, 2, *range(2), *range(3, 10)))
    features = (
        "  features:\n  - name: text\n    dtype: string\n"
        f"  - name: many\n    sequence:\n      class_label:\n        names:\n{names}"
        "  - name: few\n    list:\n      dtype:\n        class_label:\n          names: [a, b]\n"
        + LABEL
    )
    path = card(tmp_path, features)
    assert card_classes(path, path) == {
        "many": tuple(f"name {n}" for n in range(11)),
        "few": ("a", "b"),
        "label": ("bad", "good"),
    }


@pytest.mark.parametrize(
    "text", ["", "# Reviews\n", "---\nlicense: mit\n---\n", "---\ndataset_info: [3]\n---\n"]
)
def test_a_readme_may_say_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "README.md").write_text(text)
    assert card_classes(tmp_path / "README.md", Path("README.md")) == {}
    assert card_classes(tmp_path / "none.md", Path("none.md")) == {}


def test_a_faulty_readme_is_named(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("---\na: [\n---\n")
    with pytest.raises(PlaitError, match=r"r/README\.md: its front matter is not YAML"):
        card_classes(tmp_path / "README.md", Path("r/README.md"))
    one = f"- config_name: a\n  features:\n{LABEL}"
    path = card(tmp_path, one + one.replace("bad", "poor"))
    with pytest.raises(PlaitError, match=r"\['bad', 'good'\] and \['poor', 'good'\] as classes"):
        card_classes(path, path)
    (tmp_path / "README.md").write_text("---\nx: !!python/object/apply:os.getcwd []\n---\n")
    with pytest.raises(PlaitError, match="not YAML"):
        card_classes(tmp_path / "README.md", Path("README.md"))


def test_names_inside_of_parquet_count_and_are_not_named_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "reviews"
    folder.mkdir()
    card(folder, f"  features:\n{LABEL}")
    rows = {"text": ["a", "b"], "label": [1, 0]}
    inside = Features({"text": Value("string"), "label": ClassLabel(names=["1", "0"])})
    Dataset.from_dict(rows, features=inside).to_parquet(folder / "inside.parquet")
    parquet.write_table(pyarrow.table(rows), folder / "outside.parquet")
    monkeypatch.chdir(tmp_path)
    table = Table(files=({"path": "reviews"},), labels={"label": "label"})  # type: ignore[arg-type]
    found = {row.id: row.labels["label"] for _, row in table.read(tmp_path, 0)}
    assert found == {
        "inside-000001": "0",
        "inside-000002": "1",
        "outside-000001": "good",
        "outside-000002": "bad",
    }


def test_inspecting_a_folder_shows_the_names(tmp_path: Path) -> None:
    folder = tmp_path / "reviews"
    folder.mkdir()
    card(folder, f"  features:\n{LABEL}")
    lines = [f"a review of something, number {n},{n % 2}" for n in range(30)]
    (folder / "train.csv").write_text("text,label\n" + "\n".join(lines).replace(", n", " n"))
    found = inspect([folder], Choice(), lambda names: {name: name for name in names})
    assert found.settings["labels"] == {"label": "label"}
    assert {row["label"] for row in found.opened[0].rows()} == {"bad", "good"}
