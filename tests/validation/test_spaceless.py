"""The rules about texts and spans in scripts without spaces between words."""

import json
import random
from pathlib import Path

from plait.preparation.own_file import Columns, check_file
from plait.validation.engine import Result

PARTS = ("请你今天", "麻烦明早", "帮我在晚上", "我想让你现在", "能不能马上")
ACTS = ("把客厅的灯打开", "播放一首老歌", "查一下天气", "设一个闹钟", "给妈妈打电话")
ENDS = ("谢谢", "好吗", "可以的话", "我在等", "不用着急")


def texts(count: int, length: int) -> list[str]:
    """Chinese texts of so many sentences, all different."""
    rng = random.Random(1)
    return [
        "，".join(rng.choice(PARTS) + rng.choice(ACTS) + rng.choice(ENDS) for _ in range(length))
        + f"。第{i}号"
        for i in range(count)
    ]


def failed(folder: Path, said: list[str]) -> dict[tuple[str, str | None], Result]:
    rows = [
        {"text": text, "label": "ab"[i % 2], "part": ("train", "dev", "test")[i % 3], "who": []}
        for i, text in enumerate(said)
    ]
    for row in rows:
        start = str(row["text"]).find("客厅")
        row["who"] = [[start, start + 2, "room"]] if start >= 0 else []
    path = folder / "said.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = check_file(path, Columns("text", ("label",), ("who",), split="part"))
    return {(each.rule, each.split): each for each in found.results if not each.passed}


def test_ordinary_texts_have_no_faults(tmp_path: Path) -> None:
    assert not {rule for rule, _ in failed(tmp_path, texts(90, 2)) if not rule.endswith("drift")}


def test_an_edited_copy_of_a_long_text_is_a_leak(tmp_path: Path) -> None:
    rng = random.Random(2)
    characters = [chr(code) for code in range(0x4E00, 0x4E00 + 800)]
    said = ["".join(rng.choices(characters, k=90)) + "的我你" for _ in range(60)]
    said[32] = said[30][:40] + "改" + said[30][41:]
    found = failed(tmp_path, said)
    assert found["near_in_train", "heldout"].rows == ("said-000033",)


def test_a_text_of_other_characters_is_unlike(tmp_path: Path) -> None:
    said = texts(90, 2)
    said[30] = "ぉよびでなぃかもしれませんねぇ"
    found = failed(tmp_path, said)
    assert found["text_unlike", "train"].rows == ("said-000031",)
