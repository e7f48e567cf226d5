"""A notice in one language, and the hash by which receipts refer to it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import rfc8785

from app.incidents.schema import NoticeText
from app.locales import Locale


@dataclass(frozen=True, slots=True)
class Notice:
    """One version of an incident's notice in one language."""

    incident: str
    version: int
    locale: Locale
    text: NoticeText
    published_at: datetime

    @property
    def sha256(self) -> str:
        """The hash that receipts contain."""
        return hash_notice(self.incident, self.version, self.locale, self.text)


def hash_notice(incident: str, version: int, locale: Locale, text: NoticeText) -> str:
    """Hash a notice. Anybody can recompute the hash from the public API response.

    SHA-256, in hex, of the RFC 8785 form of ``{incident, locale, version}`` and the seven statutory fields.
    """
    content = {"incident": incident, "locale": locale, "version": version, **text.model_dump()}
    return hashlib.sha256(rfc8785.dumps(content)).hexdigest()
