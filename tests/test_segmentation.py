"""Words of texts in many scripts, and texts of which nothing can be seen."""

import unicodedata
from itertools import pairwise

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from plait.segmentation import is_blank, words

BLANK = (
    *("", " ", "\t\r\n", "\x00\x1f\x7f", "\u00a0", "\u1680", "\u2028", "\u3000"),
    *("\ufeff", "\u200b", "\u200c\u200d", "\u200e\u202a", "\u2060", "\u00ad", "\u061c", "\u180e"),
    *("\u2800", "\u3164", "\u115f", "\uffa0", "\u034f", "\u17b4", "\u2062", "\ufff9", "\uffff"),
    *("\ufe0f", "\U000e0100", "\u180b", "\U000e0041\U000e007f", "\U0001d173", " \ufeff\n\u200b "),
)
VISIBLE = (
    *("a", ".", "_", "٣", "½", "\u0301", " \u0301", "\u20e3", "😀", "❤\ufe0f", "ก", "\u0e31", "…"),
    *(
        "\u0600",
        "\u06dd",
        "\ufffc",
        "\ufffd",
        "\ue000",
        "\u0378",
        "\u200bx",
        "\u3164ㅏ",
        "🏴\U000e0067",
    ),
)


@pytest.mark.parametrize("text", BLANK, ids=ascii)
def test_nothing_can_be_seen(text: str) -> None:
    assert is_blank(text)
    assert words(text) == []


@pytest.mark.parametrize("text", VISIBLE, ids=ascii)
def test_something_can_be_seen(text: str) -> None:
    assert not is_blank(text)
    assert words(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's 1500kelvin, ok?", ["It", "'", "s", "1500", "kelvin", ",", "ok", "?"]),
        ("a_b (x) 7:30pm", ["a", "_", "b", "(", "x", ")", "7", ":", "30", "pm"]),
        ("Zoë’s naïve café", ["Zoë", "’", "s", "naïve", "café"]),
        ("打开客厅的灯。", list("打开客厅的灯。")),
        ("iPhone手机15台", ["iPhone", "手", "机", "15", "台"]),
        ("東京タワーへ行く", list("東京タワーへ行く")),
        ("ｶﾞﾗｽ", ["ｶﾞ", "ﾗ", "ｽ"]),
        ("เปิดไฟ น้ำ", ["เ", "ปิ", "ด", "ไ", "ฟ", "น้ำ"]),
        ("រាជធានី", ["រា", "ជ", "ធា", "នី"]),
        ("서울에서 만나", list("서울에서만나")),
        ("شغّل الأضواء، ٢٢°", ["شغّل", "الأضواء", "،", "٢٢", "°"]),
        ("שָׁלוֹם לָךְ", ["שָׁלוֹם", "לָךְ"]),
        ("नमस्ते दुनिया।", ["नमस्ते", "दुनिया", "।"]),
        ("می\u200cخواهم کتاب‌ها", ["می\u200cخواهم", "کتاب‌ها"]),
        ("hi 👩‍👩‍👧‍👦! 👍🏽", ["hi", "👩‍👩‍👧‍👦", "!", "👍🏽"]),
        ("🇩🇪🇫🇷 🏴󠁧󠁢󠁥󠁮󠁧󠁿", ["🇩🇪", "🇫🇷", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"]),
        ("1️⃣2️⃣ #️⃣", ["1️⃣2️⃣", "#️⃣"]),
        ("❤️x", ["❤️", "x"]),
        ("a\r\nb\n\u0301c", ["a", "b", "\u0301c"]),
        ("x\u200by\ufeffz", ["x", "y", "z"]),
        ("see \u0301 it", ["see", " \u0301", "it"]),
        ("a\u3164b\u2800c", ["a", "b", "c"]),
    ],
)
def test_known_answers(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in words(text)] == expected


@pytest.mark.parametrize("text", ["Crème brûlée", "Việt Nam", "Škoda ţară", "ガラス ぱん", "서울"])
def test_both_normal_forms_have_the_same_words(text: str) -> None:
    composed, split = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert composed != split
    found = [unicodedata.normalize("NFC", split[start:end]) for start, end in words(split)]
    assert found == [composed[start:end] for start, end in words(composed)]


PIECES = st.sampled_from(
    [
        *("a", "Z", "9", "0", "_", "'", " ", "\t", "\r\n", "é", "e\u0301", "\u0301", "ß", "İ"),
        *(
            "打",
            "々",
            "か",
            "ガ",
            "ｶﾞ",
            "ㄅ",
            "ꀀ",
            "서",
            "\u1109\u1165",
            "\u3164",
            "ก",
            "น้ำ",
            "เ",
            "១",
            "ភ្ន",
        ),
        *("م", "ّ", "\u200c", "\u200d", "\u0600", "٣", "שׁ", "न", "स्ते", "क्ष", "\u0d4e", "த"),
        *(
            "😀",
            "👍🏽",
            "👩‍👧",
            "🇩",
            "🇪",
            "❤\ufe0f",
            "\ufe0f",
            "\u20e3",
            "\u00ad",
            "\u200b",
            "\ufeff",
        ),
        *("\u2800", "\ue000", "\u0378", "\U000e0067", "\U0001d11e", "½", "Ⅷ", "\x00"),
    ]
)
MIXED = st.lists(PIECES | st.characters(), max_size=12).map("".join)


@given(MIXED)
@example("e\u0301\u200d👩‍👧 \u0301\u0600٣")
def test_words_are_in_order_visible_and_whole(text: str) -> None:
    found = words(text)
    edges = {0, *(match.end() for match in regex.finditer(r"\X", text))}
    assert all(start < end for start, end in found)
    assert all(a[1] <= b[0] for a, b in pairwise(found))
    assert {edge for place in found for edge in place} <= edges
    assert not any(is_blank(text[start:end]) for start, end in found)
    covered = {i for start, end in found for i in range(start, end)}
    assert all(is_blank(char) for i, char in enumerate(text) if i not in covered)
    assert is_blank(text) == (not found)


@given(st.text(st.characters(max_codepoint=127)))
def test_the_quick_way_of_ascii_is_the_general_one(text: str) -> None:
    assert words(text) == words(f"{text}\u2028")


@given(MIXED, MIXED)
def test_words_before_a_line_break_don_t_depend_on_what_follows(text: str, more: str) -> None:
    assert words(f"{text}\n{more}")[: len(words(text))] == words(text)
