"""What a sealed row holds once it is open, and its bytes.

    head        1 byte: type in bits 0–1 (a person's 0, a sentinel's 1), recipient in bit 2, confidence in bits 3–4, hints in bit 5
    subject     16 bytes
    items       1 byte, a bit for each of `ITEM_KINDS`, then a count for each that is set
    cohorts     a count, then an index each into the data set's cohorts (which stand in its sentinel)
    tags        for each of `VALUE_KINDS`: a count, then 8 bytes each
    siblings    a count, then 16 bytes each: the locators of the person's other rows
    hints       where bit 5 is set, for each of `VALUE_KINDS`: a count, then a length and UTF-8 each

A count or length is LEB128, seven bits a byte, the lowest first. The common record is 79 bytes, so that a sealed row takes 128.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from app.crypto.expansion import LOCATOR_BYTES
from app.crypto.messages import SUBJECT_BYTES, TAG_BYTES
from app.crypto.seal import BrokenSeal
from app.datasets.files import Confidence
from app.identifiers import VALUE_KINDS, Kind
from app.incidents import ITEM_KINDS, ItemKind

Role = Literal["holder", "recipient"]
ROLES: tuple[Role, ...] = ("holder", "recipient")
CONFIDENCES: tuple[Confidence, ...] = ("withdrawn", "possible", "confirmed")
"""Rising: where rows of one person disagree, the highest wins."""

_PERSON, _SENTINEL = range(2)
_HINTED = 1 << 5


@dataclass(frozen=True, slots=True)
class Record:
    """One person's entry in a data set, as one of their identifiers finds it."""

    subject: bytes = field(repr=False)
    role: Role
    confidence: Confidence
    items: Mapping[ItemKind, int]
    cohorts: tuple[int, ...]
    tags: Mapping[Kind, tuple[bytes, ...]] = field(repr=False)
    siblings: tuple[bytes, ...] = field(repr=False)
    hints: Mapping[Kind, tuple[str, ...]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sentinel:
    """The row that every look-up reads: it vouches for the partition, and carries what its records refer to."""

    cohorts: tuple[str, ...]


def encode(entry: Record | Sentinel) -> bytes:
    """Write an entry's bytes."""
    match entry:
        case Sentinel(cohorts):
            return bytes([_SENTINEL]) + _texts(cohorts)
        case Record():
            return _encode_person(entry)


def decode(data: bytes) -> Record | Sentinel:
    """Read an entry that a seal has vouched for.

    Raises:
        BrokenSeal: it is none: whoever sealed it spoke something else.
    """
    reader = _Reader(data)
    try:
        head = reader.byte()
        match head & 3:
            case 0:
                entry: Record | Sentinel = _decode_person(head, reader)
            case 1:
                entry = Sentinel(reader.texts())
            case _:
                raise BrokenSeal("a record of an unknown type")
    except (IndexError, UnicodeDecodeError):
        raise BrokenSeal("a record breaks off") from None
    if not reader.done:
        raise BrokenSeal("a record goes on after its end")
    return entry


def _encode_person(record: Record) -> bytes:
    hinted = any(record.hints.values())
    head = _PERSON | ROLES.index(record.role) << 2 | CONFIDENCES.index(record.confidence) << 3 | hinted * _HINTED
    kinds = [kind for kind in ITEM_KINDS if kind in record.items]
    data = bytearray([head, *record.subject, sum(1 << ITEM_KINDS.index(kind) for kind in kinds)])
    data += b"".join(_count(record.items[kind]) for kind in kinds)
    data += _count(len(record.cohorts)) + b"".join(map(_count, record.cohorts))
    for value_kind in VALUE_KINDS:
        tags = record.tags.get(value_kind, ())
        data += _count(len(tags)) + b"".join(tags)
    data += _count(len(record.siblings)) + b"".join(record.siblings)
    if hinted:
        data += b"".join(_texts(record.hints.get(value_kind, ())) for value_kind in VALUE_KINDS)
    return bytes(data)


def _decode_person(head: int, reader: "_Reader") -> Record:
    subject = reader.take(SUBJECT_BYTES)
    mask = reader.byte()
    if head >> 6 or mask >> len(ITEM_KINDS):
        raise BrokenSeal("a record says something that is not known here")
    items = {kind: reader.count() for bit, kind in enumerate(ITEM_KINDS) if mask >> bit & 1}
    cohorts = tuple(reader.count() for _ in range(reader.count()))
    tags = {kind: reader.blocks(TAG_BYTES) for kind in VALUE_KINDS}
    siblings = reader.blocks(LOCATOR_BYTES)
    hints = {kind: reader.texts() for kind in VALUE_KINDS} if head & _HINTED else {}
    return Record(
        subject=subject,
        role=ROLES[head >> 2 & 1],
        confidence=CONFIDENCES[head >> 3 & 3],
        items=items,
        cohorts=cohorts,
        tags={kind: found for kind, found in tags.items() if found},
        siblings=siblings,
        hints={kind: found for kind, found in hints.items() if found},
    )


def _count(number: int) -> bytes:
    data = bytearray()
    while number > 0x7F:
        data.append(number & 0x7F | 0x80)
        number >>= 7
    data.append(number)
    return bytes(data)


def _texts(texts: tuple[str, ...]) -> bytes:
    coded = [text.encode() for text in texts]
    return _count(len(coded)) + b"".join(_count(len(text)) + text for text in coded)


class _Reader:
    """A place in some bytes; what runs past their end is an `IndexError`."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def done(self) -> bool:
        return self._at == len(self._data)

    def byte(self) -> int:
        return self.take(1)[0]

    def take(self, length: int) -> bytes:
        end = self._at + length
        if end > len(self._data):
            raise IndexError
        data = self._data[self._at : end]
        self._at = end
        return data

    def count(self) -> int:
        number = shift = 0
        while (byte := self.byte()) > 0x7F:
            number |= (byte & 0x7F) << shift
            shift += 7
        return number | byte << shift

    def blocks(self, size: int) -> tuple[bytes, ...]:
        return tuple(self.take(size) for _ in range(self.count()))

    def texts(self) -> tuple[str, ...]:
        return tuple(self.take(self.count()).decode() for _ in range(self.count()))
