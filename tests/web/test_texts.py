"""The texts are complete in every language, and say the same."""

import string
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from typing import Any, get_args
from unicodedata import normalize

from app.exposures.aggregation import ExposureConfidence
from app.locales import LOCALES
from app.web.language import format_date, format_datetime
from app.web.pages import TEMPLATES
from app.web.texts import TEXTS

FORBIDDEN_WORD = "노출"


def flatten(texts: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path and the value of every text."""
    if isinstance(texts, str):
        yield path, texts
    elif isinstance(texts, tuple):
        for index, text in enumerate(texts):
            yield from flatten(text, f"{path}[{index}]")
    else:
        assert is_dataclass(texts)
        for field in fields(texts):
            yield from flatten(getattr(texts, field.name), f"{path}.{field.name}")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_languages_have_the_same_texts_and_placeholders() -> None:
    assert set(TEXTS) == set(LOCALES)
    korean, english = dict(flatten(TEXTS["ko"])), dict(flatten(TEXTS["en"]))
    assert korean.keys() == english.keys()
    for path, text in korean.items():
        assert placeholders(text) == placeholders(english[path]), path
    assert [name for name in (*korean, *english) if not (korean[name].strip() and english[name].strip())] == []


def test_each_text_is_in_its_language() -> None:
    for path, text in flatten(TEXTS["ko"]):
        if path not in (
            ".lang",
            ".site.other_language",
            ".site.other_language_name",
            ".answer.fact_source",
            ".answer.hints",
        ):
            assert any("가" <= char <= "힣" for char in text), path
    for path, text in flatten(TEXTS["en"]):
        if path not in (".site.other_language_name", ".check.hint"):
            assert not any("가" <= char <= "힣" for char in text), path


def test_korean_pages_use_the_word_that_the_regulator_ordered() -> None:
    for path, text in flatten(TEXTS["ko"]):
        assert FORBIDDEN_WORD not in normalize("NFC", text), path
    assert TEMPLATES.loader
    for name in TEMPLATES.list_templates():
        source, _, _ = TEMPLATES.loader.get_source(TEMPLATES, name)
        assert not any("가" <= char <= "힣" for char in normalize("NFC", source)), f"{name} contains a hard-coded text"


def test_each_confidence_has_texts() -> None:
    for texts in TEXTS.values():
        for by_confidence in (texts.answer.holder, texts.answer.recipient):
            assert {field.name for field in fields(by_confidence)} == set(get_args(ExposureConfidence))


def test_error_texts_say_nothing_about_the_person() -> None:
    for texts in TEXTS.values():
        results = [texts.answer.not_found, texts.answer.cannot_tell]
        for path, text in flatten(texts.errors):
            assert not any(result.title in text for result in results), path
    assert "유출되지 않" not in "".join(text for _, text in flatten(TEXTS["ko"].errors))


def test_dates_are_in_korean_time() -> None:
    evening = datetime(2026, 1, 14, 15, 30, tzinfo=UTC)
    assert format_datetime(TEXTS["ko"], evening) == "2026년 1월 15일 00:30 (한국 시각)"
    assert format_datetime(TEXTS["en"], evening) == "00:30 on 15 January 2026 (Korean time)"
    assert format_date(TEXTS["ko"], evening) == "2026년 1월 15일"
    assert format_date(TEXTS["en"], date(2025, 12, 3)) == "3 December 2025"
