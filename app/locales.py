"""Languages of the service."""

from typing import Literal, get_args

Locale = Literal["ko", "en"]
LOCALES: tuple[Locale, ...] = get_args(Locale)
