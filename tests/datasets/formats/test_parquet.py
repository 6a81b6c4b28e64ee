"""Parquet: values as they are, classes by their names, one batch at a time."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from datasets import ClassLabel, Dataset, Features, Sequence, Value
from formats import rows
from plait.datasets.table_files import records
from plait.errors import PlaitError

ROWS = [
    {"text": "hi\r\n\U0001f600 é", "label": 3, "spans": [{"start": 0, "end": 2}], "n": None},
    {"text": None, "label": None, "spans": [], "n": 0.5},
]


def test_values_are_kept(tmp_path: Path) -> None:
    parquet.write_table(pa.Table.from_pylist(ROWS * 2000), tmp_path / "rows.parquet")
    assert rows(tmp_path / "rows.parquet") == ROWS * 2000
    assert [number for number, _ in records(tmp_path / "rows.parquet")][-1] == 4000


def test_only_wanted_columns_are_read(tmp_path: Path) -> None:
    table = pa.table({"a": ["x"], "b": [{"c": "y", "d": "z"}], "e.f": [1], "g": [2]})
    parquet.write_table(table, tmp_path / "rows.parquet")
    found = records(tmp_path / "rows.parquet", wanted=("a", "b.c", "e.f"))
    assert [row for _, row in found] == [{"a": "x", "b": {"c": "y", "d": "z"}, "e.f": 1}]
    with pytest.raises(PlaitError, match=r"column 'A': columns are 'a', 'b', .*Did you mean 'a'"):
        list(records(tmp_path / "rows.parquet", wanted=("A",)))


def test_classes_become_their_names(tmp_path: Path) -> None:
    """Files as the `datasets` library writes them and the Hub has them."""
    topics, tags = ClassLabel(names=["world", "sport"]), ClassLabel(names=["O", "B-PER", "I-PER"])
    features = Features(
        {
            "text": Value("string"),
            "label": topics,
            "ner_tags": Sequence(tags),
            "inner": {"topic": topics, "n": Value("int32")},
            "many": [{"tag": tags}],
        }
    )
    content = {
        "text": ["a", "b", "c"],
        "label": [1, 0, -1],
        "ner_tags": [[0, 1, 2], [], [1]],
        "inner": [{"topic": 1, "n": 1}, {"topic": 0, "n": 0}, {"topic": 1, "n": 5}],
        "many": [[{"tag": 2}], [], [{"tag": 0}, {"tag": 1}]],
    }
    Dataset.from_dict(content, features=features).to_parquet(tmp_path / "train.parquet")
    found = rows(tmp_path / "train.parquet")
    assert [row["label"] for row in found] == ["sport", "world", None]
    assert [row["ner_tags"] for row in found] == [["O", "B-PER", "I-PER"], [], ["B-PER"]]
    assert found[0]["inner"] == {"topic": "sport", "n": 1}
    assert found[2]["many"] == [{"tag": "O"}, {"tag": "B-PER"}]


@pytest.mark.parametrize("metadata", [b"{", b"[]", b'{"info": {"features": 5}}', b"{}"])
def test_other_metadata_is_no_fault(tmp_path: Path, metadata: bytes) -> None:
    table = pa.table({"text": ["a"]}).replace_schema_metadata({"huggingface": metadata})
    parquet.write_table(table, tmp_path / "rows.parquet")
    assert rows(tmp_path / "rows.parquet") == [{"text": "a"}]


def test_a_file_that_gives_fewer_rows_than_it_says_is_refused(tmp_path: Path) -> None:
    """Two flipped bits in the footer: a row group says 48 rows instead of 50."""
    path = tmp_path / "rows.parquet"
    parquet.write_table(pa.table({"n": [str(i) for i in range(120)]}), path, row_group_size=50)
    content = bytearray(path.read_bytes())
    footer = content.rindex(b"PAR1") - 4 - int.from_bytes(content[-8:-4], "little")
    places = [at for at in range(footer, len(content)) if content[at] == 100]  # 50 as a varint
    damaged = 0
    for at in places:
        path.write_bytes(content[:at] + b"\x60" + content[at + 1 :])
        try:
            found = len(rows(path))
        except PlaitError as error:
            damaged += "120 rows expected, 118 found" in str(error)
        else:
            assert found == 120
    assert damaged


@pytest.mark.parametrize("cut", [0, 3, 40, -1])
def test_what_is_no_parquet_is_named(tmp_path: Path, cut: int) -> None:
    parquet.write_table(pa.Table.from_pylist(ROWS), tmp_path / "rows.parquet")
    path = tmp_path / "rows.parquet"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(PlaitError, match=r"rows.parquet: not readable as Parquet .*Copy or ex"):
        rows(path)
