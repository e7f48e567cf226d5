"""The contents of a sealed row, and their binary encoding.

    header      1 byte: type in bits 0–1 (0 person, 1 sentinel), recipient in bit 2, confidence in bits 3–4, has hints in bit 5
    subject     16 bytes
    items       1 byte with a bit for each of `ITEM_KINDS`, then a count for each bit that is set; none only if the confidence is withdrawn
    cohorts     a count, then for each an index into the data set's cohorts (listed in its sentinel)
    tags        for each of `COMPARED_KINDS`: a count, then 8 bytes each
    hints       only if bit 5 is set, for each of `VALUE_KINDS`: a count, then for each a length and UTF-8
    siblings    the rest, 16 bytes each: the locators of the person's other rows

Counts, indices and lengths are LEB128 varints: seven bits a byte, lowest first. A typical record is 60 bytes; the smallest row has room for 82.
Emails and phones need no tags because their locators identify them. All rows of a person are equal except for the siblings.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from app.crypto.key_derivation import LOCATOR_BYTES
from app.crypto.mac_inputs import SUBJECT_BYTES, TAG_BYTES
from app.crypto.row_sealing import DecryptionFailed
from app.identifiers import VALUE_KINDS, ValueKind
from app.incidents.items import ITEM_KINDS, ItemKind
from app.source_files import Confidence

COMPARED_KINDS: tuple[ValueKind, ...] = ("name", "address")
"""Kinds of values that can be compared with a record but not looked up."""

Role = Literal["holder", "recipient"]
ROLES: tuple[Role, ...] = ("holder", "recipient")
CONFIDENCES: tuple[Confidence, ...] = ("withdrawn", "possible", "confirmed")
"""In rising order. If the rows of a person disagree, the highest wins."""

_TYPE_PERSON, _TYPE_SENTINEL = range(2)
_HAS_HINTS = 1 << 5


@dataclass(frozen=True, slots=True)
class Record:
    """One person's entry in a data set, as stored under one of their identifiers."""

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
    """The row that every look-up reads to verify the table. It contains the cohort names that records refer to."""

    cohorts: tuple[str, ...]


def encode(entry: Record | Sentinel) -> bytes:
    """Encode an entry."""
    match entry:
        case Sentinel(cohorts):
            return bytes([_TYPE_SENTINEL]) + _encode_texts(cohorts)
        case Record():
            has_hints = any(entry.hints.values())
            parts = [
                encode_header(entry.role, entry.confidence, has_hints=has_hints),
                entry.subject,
                encode_items(entry.items, entry.cohorts),
                *[encode_tags(entry.tags.get(kind, ())) for kind in COMPARED_KINDS],
                encode_hints(entry.hints) if has_hints else b"",
                *entry.siblings,
            ]
            return b"".join(parts)


def decode(data: bytes) -> Record | Sentinel:
    """Decode an entry from authenticated bytes.

    Raises:
        DecryptionFailed: the bytes are not an entry in this format.
    """
    reader = _ByteReader(data)
    try:
        header = reader.read_byte()
        match header & 3:
            case 0:
                entry: Record | Sentinel = _decode_person(header, reader)
            case 1:
                entry = Sentinel(reader.read_texts())
            case _:
                raise DecryptionFailed("unknown type of record")
    except (IndexError, UnicodeDecodeError):
        raise DecryptionFailed("truncated record") from None
    if reader.remaining:
        raise DecryptionFailed("trailing bytes after a record")
    return entry


def encode_header(role: Role, confidence: Confidence, *, has_hints: bool) -> bytes:
    """Encode a person's header.

    This function and the next four encode the parts of a record, in their order, for bulk use: most parts are equal for many people.
    """
    return bytes((_TYPE_PERSON | ROLES.index(role) << 2 | CONFIDENCES.index(confidence) << 3 | has_hints * _HAS_HINTS,))


def encode_items(items: Mapping[ItemKind, int], cohorts: Sequence[int]) -> bytes:
    """Encode items and cohorts."""
    mask = sum(1 << bit for bit, kind in enumerate(ITEM_KINDS) if kind in items)
    counts = [_encode_varint(items[kind]) for kind in ITEM_KINDS if kind in items]
    return b"".join([bytes((mask,)), *counts, _encode_varint(len(cohorts)), *map(_encode_varint, cohorts)])


def encode_tags(tags: Sequence[bytes]) -> bytes:
    """Encode the tags of one kind."""
    return b"".join([_encode_varint(len(tags)), *tags])


def encode_single_tags(tags: Iterable[bytes]) -> list[bytes]:
    """Encode the tags of many people who have one tag each, like `encode_tags`."""
    count = _encode_varint(1)
    return [count + tag for tag in tags]


def encode_hints(hints: Mapping[ValueKind, tuple[str, ...]]) -> bytes:
    """Encode the hints. A record without hints encodes them as nothing, and its header has no hint bit."""
    return b"".join([_encode_texts(hints.get(kind, ())) for kind in VALUE_KINDS]) if any(hints.values()) else b""


def _decode_person(header: int, reader: "_ByteReader") -> Record:
    subject = reader.read_bytes(SUBJECT_BYTES)
    mask = reader.read_byte()
    if header >> 6 or mask >> len(ITEM_KINDS):
        raise DecryptionFailed("unknown bits in a record")
    confidence = CONFIDENCES[header >> 3 & 3]
    if (
        not mask and confidence != "withdrawn"
    ):  # a record that says "exposed: nothing" would turn a failure into an answer
        raise DecryptionFailed("a record without items that is not withdrawn")
    items = {kind: reader.read_varint() for bit, kind in enumerate(ITEM_KINDS) if mask >> bit & 1}
    cohorts = tuple(reader.read_varint() for _ in range(reader.read_varint()))
    tags = {kind: reader.read_blocks(TAG_BYTES, reader.read_varint()) for kind in COMPARED_KINDS}
    hints = {kind: reader.read_texts() for kind in VALUE_KINDS} if header & _HAS_HINTS else {}
    siblings = reader.read_blocks(LOCATOR_BYTES, -(-reader.remaining // LOCATOR_BYTES))
    return Record(
        subject=subject,
        role=ROLES[header >> 2 & 1],
        confidence=confidence,
        items=items,
        cohorts=cohorts,
        tags={kind: values for kind, values in tags.items() if values},
        siblings=siblings,
        hints={kind: values for kind, values in hints.items() if values},
    )


_ONE_BYTE_VARINTS = [bytes((number,)) for number in range(0x80)]


def _encode_varint(number: int) -> bytes:
    if number < 0x80:
        return _ONE_BYTE_VARINTS[number]
    data = bytearray()
    while number > 0x7F:
        data.append(number & 0x7F | 0x80)
        number >>= 7
    data.append(number)
    return bytes(data)


def _encode_texts(texts: tuple[str, ...]) -> bytes:
    encoded = [text.encode() for text in texts]
    return _encode_varint(len(encoded)) + b"".join(_encode_varint(len(text)) + text for text in encoded)


class _ByteReader:
    """Cursor over some bytes. Reading past their end raises `IndexError`."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._offset = 0

    @property
    def remaining(self) -> int:
        return len(self._data) - self._offset

    def read_byte(self) -> int:
        byte = self._data[self._offset]
        self._offset += 1
        return byte

    def read_bytes(self, length: int) -> bytes:
        end = self._offset + length
        if end > len(self._data):
            raise IndexError
        data = self._data[self._offset : end]
        self._offset = end
        return data

    def read_varint(self) -> int:
        byte = self.read_byte()
        if byte < 0x80:  # the usual case
            return byte
        number, shift = byte & 0x7F, 7
        while (byte := self.read_byte()) > 0x7F:
            number |= (byte & 0x7F) << shift
            shift += 7
        return number | byte << shift

    def read_blocks(self, size: int, number: int) -> tuple[bytes, ...]:
        return tuple([self.read_bytes(size) for _ in range(number)])

    def read_texts(self) -> tuple[str, ...]:
        return tuple([self.read_bytes(self.read_varint()).decode() for _ in range(self.read_varint())])
