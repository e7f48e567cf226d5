"""The texts of the pages in each language."""

from app.faces.web.texts.en import ENGLISH
from app.faces.web.texts.ko import KOREAN
from app.faces.web.texts.schema import Texts, TitledText
from app.locales import Locale

__all__ = ["TEXTS", "Texts", "TitledText"]

TEXTS: dict[Locale, Texts] = {"ko": KOREAN, "en": ENGLISH}
