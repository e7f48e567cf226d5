"""Which language a person reads: what was chosen on this page, or before; otherwise Korean."""

from datetime import date, datetime, timedelta, timezone

from fastapi import Request

from app.faces.web import cookies
from app.faces.web.texts import TEXTS, Texts
from app.locales import Locale

KOREAN_TIME = timezone(timedelta(hours=9))
_LOCALES: dict[str | None, Locale] = {"ko": "ko", "en": "en"}


def chosen_now(request: Request) -> Locale | None:
    """Give the language that this address asks for by ``?lang=``."""
    return _LOCALES.get(request.query_params.get("lang"))


def locale_of(request: Request) -> Locale:
    """Give the language of a request."""
    return chosen_now(request) or _LOCALES.get(cookies.language(request)) or "ko"


def texts_of(request: Request) -> Texts:
    """Give the texts in the language of a request."""
    return TEXTS[locale_of(request)]


def spell_date(texts: Texts, moment: date) -> str:
    """Spell a date; a moment's date is the one in Korea."""
    day = moment.astimezone(KOREAN_TIME) if isinstance(moment, datetime) else moment
    return texts.date.format(y=day.year, month=texts.months[day.month - 1], d=day.day)


def spell_moment(texts: Texts, moment: datetime) -> str:
    """Spell a moment as a clock in Korea shows it, to the minute."""
    there = moment.astimezone(KOREAN_TIME)
    month = texts.months[there.month - 1]
    return texts.moment.format(y=there.year, month=month, d=there.day, time=f"{there:%H:%M}")
