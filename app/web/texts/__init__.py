"""The texts of the pages in each language."""

from app.locales import Locale
from app.web.texts.en import ENGLISH
from app.web.texts.ko import KOREAN
from app.web.texts.schema import Texts, TitledText

__all__ = ["TEXTS", "Texts", "TitledText"]

TEXTS: dict[Locale, Texts] = {"ko": KOREAN, "en": ENGLISH}
