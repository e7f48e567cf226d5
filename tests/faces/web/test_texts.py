"""The texts: all there in each language, and of one mind."""

import string
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from typing import Any, get_args
from unicodedata import normalize

from app.exposures.aggregation import ExposureConfidence
from app.faces.web.language import spell_date, spell_moment
from app.faces.web.pages import TEMPLATES
from app.faces.web.texts import TEXTS
from app.locales import LOCALES

FORBIDDEN = "노출"


def lines(texts: Any, place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(texts, str):
        yield place, texts
    elif isinstance(texts, tuple):
        for number, one in enumerate(texts):
            yield from lines(one, f"{place}[{number}]")
    else:
        assert is_dataclass(texts)
        for one in fields(texts):
            yield from lines(getattr(texts, one.name), f"{place}.{one.name}")


def filled(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_each_language_says_the_same_things() -> None:
    assert set(TEXTS) == set(LOCALES)
    korean, english = dict(lines(TEXTS["ko"])), dict(lines(TEXTS["en"]))
    assert korean.keys() == english.keys()
    for place, text in korean.items():
        assert filled(text) == filled(english[place]), place
    assert [name for name in (*korean, *english) if not (korean[name].strip() and english[name].strip())] == []


def test_each_is_in_its_language() -> None:
    for place, text in lines(TEXTS["ko"]):
        if place not in (
            ".lang",
            ".site.other_language",
            ".site.other_language_name",
            ".answer.by_authority",
            ".answer.hints",
        ):
            assert any("가" <= char <= "힣" for char in text), place
    for place, text in lines(TEXTS["en"]):
        if place not in (".site.other_language_name", ".check.hint"):
            assert not any("가" <= char <= "힣" for char in text), place


def test_korean_pages_call_the_leak_a_leak() -> None:
    for place, text in lines(TEXTS["ko"]):
        assert FORBIDDEN not in normalize("NFC", text), place
    assert TEMPLATES.loader
    for name in TEMPLATES.list_templates():
        source, _, _ = TEMPLATES.loader.get_source(TEMPLATES, name)
        assert not any("가" <= char <= "힣" for char in normalize("NFC", source)), f"{name} has a text of its own"


def test_each_confidence_has_its_words() -> None:
    for texts in TEXTS.values():
        for verdicts in (texts.answer.holder, texts.answer.recipient):
            assert {one.name for one in fields(verdicts)} == set(get_args(ExposureConfidence))


def test_no_failure_speaks_of_the_person() -> None:
    for texts in TEXTS.values():
        said = [texts.answer.not_found, texts.answer.cannot_tell]
        for place, text in lines(texts.failures):
            assert not any(verdict.title in text for verdict in said), place
    assert "유출되지 않" not in "".join(text for _, text in lines(TEXTS["ko"].failures))


def test_dates_are_korean_ones() -> None:
    evening = datetime(2026, 1, 14, 15, 30, tzinfo=UTC)
    assert spell_moment(TEXTS["ko"], evening) == "2026년 1월 15일 00:30 (한국 시각)"
    assert spell_moment(TEXTS["en"], evening) == "00:30 on 15 January 2026 (Korean time)"
    assert spell_date(TEXTS["ko"], evening) == "2026년 1월 15일"
    assert spell_date(TEXTS["en"], date(2025, 12, 3)) == "3 December 2025"
