"""Spellings of one label."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from plait.datasets.spelling import normalised, quoted


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("billing", "billing "),
        ("billing", "\u00a0billing"),
        ("billing", "Billing"),
        ("billing", "billing\u200b"),
        ("billing", "\ufeffbil\u00adling"),
        ("caf\u00e9", "cafe\u0301"),
        ("\u1e9e", "SS"),
        ("team a", "team  a"),
        ("team a", "team\u2003a\n"),
        ("team", "ｔｅａｍ"),
        ("0", "0.0"),
        ("0", "-0.00"),
        ("1", "+01"),
        ("1.5", "1.50"),
        ("3", "3."),
        ("❤", "❤\ufe0f"),
        (" ", ""),
        ("\u200b", "\u00a0"),
    ],
)
def test_alike(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0", "1"),
        ("1", "-1"),
        ("10", "1"),
        ("1.05", "1.5"),
        ("100", "1"),
        ("C", "C#"),
        ("team-a", "teama"),
        ("ab", "a b"),
        ("schön", "schon"),
        ("が", "か"),
        ("v1.0", "v1"),
        ("12345678901234567890123456789012", "12345678901234567890123456789013"),
    ],
)
def test_not_alike(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


@given(st.text())
def test_a_normalised_label_stays_as_it_is(label: str) -> None:
    assert normalised(normalised(label)) == normalised(label)


@given(st.text(st.characters(blacklist_categories=("Cs",))))
def test_what_is_quoted_reads_back_as_yaml(label: str) -> None:
    assert yaml.safe_load(quoted(label)) == label


def test_differences_that_nobody_sees_are_escaped() -> None:
    labels = ["Billing ", "billing\u200b", "cafe\u0301", "caf\u00e9", "账单", "a\u00a0b"]
    assert [quoted(label) for label in labels] == [
        *('"Billing "', r'"billing\u200b"', r'"cafe\u0301"', '"café"', '"账单"', r'"a\u00a0b"')
    ]
