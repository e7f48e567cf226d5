"""The language of a page: the `lang` query parameter, then the `lang` cookie, then Korean."""

from datetime import date, datetime, timedelta, timezone

from fastapi import Request

from app.locales import Locale
from app.web import cookies
from app.web.texts import TEXTS, Texts

KOREA_TIMEZONE = timezone(timedelta(hours=9))
_LOCALES: dict[str | None, Locale] = {"ko": "ko", "en": "en"}


def requested_locale(request: Request) -> Locale | None:
    """Return the locale of the ``?lang=`` query parameter, or None."""
    return _LOCALES.get(request.query_params.get("lang"))


def locale_of(request: Request) -> Locale:
    """Return the locale of a request."""
    return requested_locale(request) or _LOCALES.get(cookies.preferred_language(request)) or "ko"


def texts_of(request: Request) -> Texts:
    """Return the texts in the locale of a request."""
    return TEXTS[locale_of(request)]


def format_date(texts: Texts, when: date) -> str:
    """Format a date. A datetime is converted to Korean time first."""
    day = when.astimezone(KOREA_TIMEZONE) if isinstance(when, datetime) else when
    return texts.date_format.format(y=day.year, month=texts.months[day.month - 1], d=day.day)


def format_datetime(texts: Texts, when: datetime) -> str:
    """Format a datetime in Korean time, to the minute."""
    local = when.astimezone(KOREA_TIMEZONE)
    month = texts.months[local.month - 1]
    return texts.datetime_format.format(y=local.year, month=month, d=local.day, time=f"{local:%H:%M}")
