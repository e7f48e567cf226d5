"""The schema of incident files. Every statutory field is required and must not be empty.

The law: PIPA art. 34 and its decree (in force since 11 September 2026), and the regulator's orders of 3 and 10 December 2025.
"""

import unicodedata
from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.incidents.items import ItemKind
from app.locales import Locale

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{3,60}$")]
NonEmptyText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]


class _StrictModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LocalizedText(_StrictModel):
    """A text in every language of the service."""

    ko: NonEmptyText
    en: NonEmptyText


class Item(_StrictModel):
    """A kind of item that leaked for some of the people."""

    kind: ItemKind
    label: LocalizedText


class Fact(_StrictModel):
    """A statement about the incident and its state. A withheld fact names the authority that withholds it, and since when."""

    key: Slug
    state: Literal["confirmed", "disputed", "under_investigation", "withheld"]
    text: LocalizedText
    authority: LocalizedText | None = None
    as_of: date | None = None

    @model_validator(mode="after")
    def _require_authority_if_withheld(self) -> Self:
        if self.state == "withheld" and (self.authority is None or self.as_of is None):
            raise ValueError("a withheld fact must name the authority and the date (as_of)")
        return self


class Action(_StrictModel):
    """A step that people whose items leaked can take."""

    id: Slug
    items: Annotated[list[ItemKind], Field(min_length=1)]
    text: LocalizedText
    link: Annotated[str, StringConstraints(pattern=r"^https://[^\s]+$")] | None = None
    phone: Annotated[str, StringConstraints(pattern=r"^[0-9+-]{3,20}$")] | None = None


class NoticeText(_StrictModel):
    """The statutory content of a notice in one language."""

    leaked_items: NonEmptyText
    circumstances: NonEmptyText
    self_protection: NonEmptyText
    response: NonEmptyText
    relief: NonEmptyText
    contact: NonEmptyText
    rights: NonEmptyText


class KoreanNoticeText(NoticeText):
    """The content in Korean, which must use 유출 (leak), not 노출 (exposure)."""

    @model_validator(mode="after")
    def _reject_exposure_wording(self) -> Self:
        for name, text in self:
            if "노출" in unicodedata.normalize("NFC", text):
                raise ValueError(
                    f"{name} must not say 노출 (exposure); the regulator's order of 3 December 2025 requires 유출 (leak)"
                )
        return self


class LocalizedNoticeText(_StrictModel):
    """The content of a notice in every language of the service."""

    ko: KoreanNoticeText
    en: NoticeText

    def in_locale(self, locale: Locale) -> NoticeText:
        """Return the content in one language."""
        return self.ko if locale == "ko" else self.en


class Incident(_StrictModel):
    """One data breach."""

    slug: Slug
    occurred_from: date
    occurred_to: date | None = None
    discovered_on: date | None = None
    reported_on: date | None = None
    status: Literal["investigating", "confirmed", "closed"]
    hints: bool = False
    title: LocalizedText
    items: Annotated[list[Item], Field(min_length=1)]
    facts: list[Fact] = []
    actions: list[Action] = []
    notice: LocalizedNoticeText

    @property
    def kinds(self) -> list[ItemKind]:
        """The kinds of items that this incident declares."""
        return [item.kind for item in self.items]

    def actions_for(self, leaked: Iterable[ItemKind]) -> list[Action]:
        """Return the steps for a person whose items of these kinds leaked."""
        kinds = set(leaked)
        return [action for action in self.actions if not kinds.isdisjoint(action.items)]

    @model_validator(mode="after")
    def _check_date_order(self) -> Self:
        for earlier, later in (
            ("occurred_from", "occurred_to"),
            ("occurred_from", "discovered_on"),
            ("discovered_on", "reported_on"),
            ("occurred_from", "reported_on"),
        ):
            first, second = getattr(self, earlier), getattr(self, later)
            if first is not None and second is not None and second < first:
                raise ValueError(f"{later} must not be before {earlier}")
        return self

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        for field, names in (
            ("items", self.kinds),
            ("facts", [fact.key for fact in self.facts]),
            ("actions", [action.id for action in self.actions]),
        ):
            if len(set(names)) != len(names):
                raise ValueError(f"{field} must not repeat a name")
        for action in self.actions:
            if undeclared := set(action.items) - set(self.kinds):
                raise ValueError(
                    f"action {action.id} must not refer to {min(undeclared)}, which items does not declare"
                )
        return self
