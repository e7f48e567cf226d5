"""What a sealed row holds once it is open, and its bytes.

    head        1 byte: type in bits 0–1 (a person's 0, a sentinel's 1), recipient in bit 2, confidence in bits 3–4, hints in bit 5
    subject     16 bytes
    items       1 byte, a bit for each of `ITEM_KINDS`, then a count for each that is set; none only where the confidence is withdrawn
    cohorts     a count, then an index each into the data set's cohorts (which stand in its sentinel)
    tags        for each of `COMPARED_KINDS`: a count, then 8 bytes each
    hints       where bit 5 is set, for each of `VALUE_KINDS`: a count, then a length and UTF-8 each
    siblings    the rest, 16 bytes each: the locators of the person's other rows

A count or length is LEB128, seven bits a byte, the lowest first. The common record is 60 bytes, and 82 go into the smallest row. Emails and phones
need no tags: their locators tell them. All but the siblings is the same in each of a person's rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from app.crypto.key_derivation import LOCATOR_BYTES
from app.crypto.mac_inputs import SUBJECT_BYTES, TAG_BYTES
from app.crypto.row_sealing import DecryptionFailed
from app.datasets.files import Confidence
from app.identifiers import VALUE_KINDS, ValueKind
from app.incidents import ITEM_KINDS, ItemKind

COMPARED_KINDS: tuple[ValueKind, ...] = ("name", "address")
"""What a record can be asked about and nobody is found by."""

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
    tags: Mapping[ValueKind, tuple[bytes, ...]] = field(repr=False)
    siblings: tuple[bytes, ...] = field(repr=False)
    hints: Mapping[ValueKind, tuple[str, ...]] = field(repr=False)


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
            hinted = any(entry.hints.values())
            parts = [
                encode_header(entry.role, entry.confidence, hinted=hinted),
                entry.subject,
                encode_items(entry.items, entry.cohorts),
                *[encode_tags(entry.tags.get(kind, ())) for kind in COMPARED_KINDS],
                encode_hints(entry.hints) if hinted else b"",
                *entry.siblings,
            ]
            return b"".join(parts)


def decode(data: bytes) -> Record | Sentinel:
    """Read an entry that a seal has vouched for.

    Raises:
        DecryptionFailed: it is none: whoever sealed it spoke something else.
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
                raise DecryptionFailed("a record of an unknown type")
    except (IndexError, UnicodeDecodeError):
        raise DecryptionFailed("a record breaks off") from None
    if reader.left:
        raise DecryptionFailed("a record goes on after its end")
    return entry


def encode_header(role: Role, confidence: Confidence, *, hinted: bool) -> bytes:
    """Write a person's head. This and the next four are a record's parts, in their order, for bulk: most are the same for many people."""
    return bytes((_PERSON | ROLES.index(role) << 2 | CONFIDENCES.index(confidence) << 3 | hinted * _HINTED,))


def encode_items(items: Mapping[ItemKind, int], cohorts: Sequence[int]) -> bytes:
    """Write items and cohorts."""
    mask = sum(1 << bit for bit, kind in enumerate(ITEM_KINDS) if kind in items)
    counts = [_count(items[kind]) for kind in ITEM_KINDS if kind in items]
    return b"".join([bytes((mask,)), *counts, _count(len(cohorts)), *map(_count, cohorts)])


def encode_tags(tags: Sequence[bytes]) -> bytes:
    """Write the tags of one kind."""
    return b"".join([_count(len(tags)), *tags])


def encode_single_tags(tags: Iterable[bytes]) -> list[bytes]:
    """Do as `encode_tags` for many people who have one tag each."""
    one = _count(1)
    return [one + tag for tag in tags]


def encode_hints(hints: Mapping[ValueKind, tuple[str, ...]]) -> bytes:
    """Write the hints; nothing stands for none at all, and the head says so."""
    return b"".join([_texts(hints.get(kind, ())) for kind in VALUE_KINDS]) if any(hints.values()) else b""


def _decode_person(head: int, reader: "_Reader") -> Record:
    subject = reader.take(SUBJECT_BYTES)
    mask = reader.byte()
    if head >> 6 or mask >> len(ITEM_KINDS):
        raise DecryptionFailed("a record says something that is not known here")
    confidence = CONFIDENCES[head >> 3 & 3]
    if not mask and confidence != "withdrawn":  # "exposed: nothing" would be a failure given out as an answer
        raise DecryptionFailed("a record without items that is not withdrawn")
    items = {kind: reader.count() for bit, kind in enumerate(ITEM_KINDS) if mask >> bit & 1}
    cohorts = tuple(reader.count() for _ in range(reader.count()))
    tags = {kind: reader.blocks(TAG_BYTES, reader.count()) for kind in COMPARED_KINDS}
    hints = {kind: reader.texts() for kind in VALUE_KINDS} if head & _HINTED else {}
    siblings = reader.blocks(LOCATOR_BYTES, -(-reader.left // LOCATOR_BYTES))
    return Record(
        subject=subject,
        role=ROLES[head >> 2 & 1],
        confidence=confidence,
        items=items,
        cohorts=cohorts,
        tags={kind: found for kind, found in tags.items() if found},
        siblings=siblings,
        hints={kind: found for kind, found in hints.items() if found},
    )


_SMALL = [bytes((number,)) for number in range(0x80)]


def _count(number: int) -> bytes:
    if number < 0x80:
        return _SMALL[number]
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
    def left(self) -> int:
        return len(self._data) - self._at

    def byte(self) -> int:
        byte = self._data[self._at]
        self._at += 1
        return byte

    def take(self, length: int) -> bytes:
        end = self._at + length
        if end > len(self._data):
            raise IndexError
        data = self._data[self._at : end]
        self._at = end
        return data

    def count(self) -> int:
        byte = self.byte()
        if byte < 0x80:  # nearly all are
            return byte
        number, shift = byte & 0x7F, 7
        while (byte := self.byte()) > 0x7F:
            number |= (byte & 0x7F) << shift
            shift += 7
        return number | byte << shift

    def blocks(self, size: int, number: int) -> tuple[bytes, ...]:
        return tuple([self.take(size) for _ in range(number)])

    def texts(self) -> tuple[str, ...]:
        return tuple([self.take(self.count()).decode() for _ in range(self.count())])
