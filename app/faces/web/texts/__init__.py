"""The texts of the pages: one table for each language."""

from app.faces.web.texts.en import ENGLISH
from app.faces.web.texts.ko import KOREAN
from app.faces.web.texts.schema import Texts, Verdict
from app.locales import Locale

__all__ = ["TEXTS", "Texts", "Verdict"]

TEXTS: dict[Locale, Texts] = {"ko": KOREAN, "en": ENGLISH}
