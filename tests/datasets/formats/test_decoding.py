"""Encodings: what the bytes say, what a setting says, and what an error says."""

import codecs
from pathlib import Path

import pytest

from formats import rows, written
from plait.errors import PlaitError

TEXTS = {
    "cp1252": "Le café d’Émile coûte 5 €, très bon — voilà l’été",
    "latin-1": "El niño comió una manzana y pensó en el año",
    "cp1250": "Žluťoučký kůň příšerně úpěl ďábelské ódy",
    "cp1251": "Привет, как дела сегодня вечером",
    "cp1253": "Καλημέρα κόσμε, τι κάνεις σήμερα",
    "cp932": "今日はとても良い天気ですね。散歩に行きましょう",
    "gb18030": "今天天气很好，我们去公园散步吧",
    "big5": "今天天氣很好，我們去公園散步吧",
    "cp949": "오늘은 날씨가 좋습니다. 공원에 갑시다",
}


def content(text: str, encoding: str, end: str = "\r\n") -> bytes:
    lines = ["text\tlabel", *(f"plain note {i}\tx" for i in range(9)), f"{text}\ty", ""]
    return end.join(lines).encode(encoding)


@pytest.mark.parametrize(("encoding", "text"), TEXTS.items())
def test_the_error_says_which_encoding_it_looks_like(
    tmp_path: Path, encoding: str, text: str
) -> None:
    path = written(tmp_path, content(text, encoding), "rows.tsv")
    named = "cp1252" if encoding == "latin-1" else encoding
    message = rf"line 11: byte 0x.. at offset \d+ is not UTF-8. It looks like {named}, in which"
    with pytest.raises(PlaitError, match=message) as caught:
        rows(path)
    assert f"Set `encoding: {named}`" in str(caught.value)
    assert text in str(caught.value)
    assert rows(path, encoding=named)[-1] == {"text": text, "label": "y"}


@pytest.mark.parametrize(("encoding", "count"), [("cp1252", 9), ("cp1252", 1), ("mac_roman", 1)])
def test_french_of_windows_and_of_the_macintosh(tmp_path: Path, encoding: str, count: int) -> None:
    text = " ".join(f"My parcel came late, déjà vu number {n}." for n in range(count))
    path = written(tmp_path, content(text, encoding), "rows.tsv")
    with pytest.raises(PlaitError, match=f"Set `encoding: {encoding}`"):
        rows(path)


def test_bytes_80_to_9f_are_letters_of_cp1252(tmp_path: Path) -> None:
    path = written(tmp_path, content(TEXTS["cp1252"], "cp1252"), "rows.tsv")
    for name in ("latin-1", "iso-8859-1", "L1"):
        assert rows(path, encoding=name)[-1]["text"] == TEXTS["cp1252"]


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
@pytest.mark.parametrize("setting", [None, "cp1252"])
def test_a_byte_order_mark_decides(
    tmp_path: Path, mark: bytes, encoding: str, setting: str | None
) -> None:
    path = written(tmp_path, mark + content(TEXTS["cp932"], encoding), "rows.tsv")
    assert rows(path, encoding=setting)[-1] == {"text": TEXTS["cp932"], "label": "y"}
    lines = [f'{{"text": "{TEXTS["cp932"]}"}}'] * 2
    path = written(tmp_path, mark + "\n".join(lines).encode(encoding), "rows.jsonl")
    assert rows(path) == [{"text": TEXTS["cp932"]}] * 2


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_named(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, content(TEXTS["cp1251"], encoding), "rows.tsv")
    with pytest.raises(PlaitError, match=f"every other byte is 0.*Set `encoding: {encoding}`"):
        rows(path)
    assert rows(path, encoding=encoding)[-1]["text"] == TEXTS["cp1251"]


@pytest.mark.parametrize("filler", [0, 70_000, 200_000])
def test_line_and_offset_are_right_far_into_the_file(tmp_path: Path, filler: int) -> None:
    before = b"text,label\r\n" + b"y" * filler + b",x\r\nbye,x\r" + b"z" * filler + b",x\n"
    path = written(tmp_path, before + b"caf\xe9,x\nmore,x\n")
    with pytest.raises(PlaitError, match=rf"line 5: byte 0xe9 at offset {len(before) + 3} is not"):
        rows(path)


def test_a_file_of_two_encodings_is_not_called_one(tmp_path: Path) -> None:
    path = written(tmp_path, "text,label\ncafé,x\n".encode() + b"caf\xe9,x\n")
    with pytest.raises(PlaitError, match=r"line 3: .*is UTF-8 before that line: correct or remove"):
        rows(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_file_that_ends_inside_a_character(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, "text,label\nhi,caf\u20ac".encode(encoding)[:-1])
    with pytest.raises(PlaitError, match=r"line 2: .*ends inside a character: it was cut off"):
        rows(path)
