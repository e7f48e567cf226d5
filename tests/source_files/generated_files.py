"""Random data set files: rows of text cells, spelled in many ways, written as CSV, NDJSON and Parquet, and sometimes damaged.

Everything is drawn from one `Random`, so that Hypothesis can draw and shrink a file, and a seed is enough to draw thousands.
"""

import gzip
import io
import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, NamedTuple
from unicodedata import normalize

import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS = (
    "account_ref",
    "email",
    "items",
    "phone",
    "recipient_ref",
    "name",
    "address",
    "cohort",
    "count",
    "confidence",
)
"""All columns, the required ones first."""
VALUE_COLUMNS = ("email", "phone", "name", "address")
LIST_COLUMNS = (*VALUE_COLUMNS, "items")
DECLARED_ITEMS = frozenset({"name", "email", "phone", "address"})
LINE_ENDS = ("\n", "\r\n", "\r")
MARK = "\ufeff"
INVISIBLE = "\u200b\ufeff\u200d\u2060\u00ad\u202a\u200e\ufe0f\u3164"

GOOD = {
    "account_ref": ("A1", "A2", "a2", "1001", "01001", "12E4", "홍길동1", "é-7", "A 3", "O'Neil", "Ａ１"),
    "recipient_ref": ("", "", "", "R1", "R2", "1001"),
    "email": (
        "mina@example.com",
        "Sora.Kim@example.com",
        "a+b@example.org",
        "jun@한글.example",
        "",
        "a|b@example.net",
    ),
    "phone": ("010-2000-0001", "01020000002", "+82 10 2000 0003", "02-312-3456", "", "1020000004"),
    "name": ("김민수", "이 영희", "Hong, Gildong", "Kim Minsu", '김"민"수', "Null", "", "José"),
    "address": (
        "서울 강남구 테헤란로 12",
        "부산광역시 해운대구 우동 1-2, 3동 4호",
        "서울 종로구 세종로 1 | 2층",
        "12 Main St., Springfield",
        'a "b" c 7',
        "",
        "서울 강남구 " + "가나다라마 " * 15 + "12",
    ),
    "items": ("name", "email", "phone", "address"),
    "cohort": ("", "page 1", "b,2", 'c"3"', "d|e", "3차"),
    "count": ("", "1", "3", "07", "2147483647"),
    "confidence": ("", "confirmed", "possible", "withdrawn"),
}
BAD = {
    "account_ref": ("", "1.23457E+11", "1001.0", "'A1", "=A1", "NULL", "-", "#REF!", "1,234,567", "１E+11", "없음"),
    "recipient_ref": ("1E-05", "1001,0", r"\N", "<NA>", "..."),
    "email": ("bad@@x", "ho***@example.com", "NULL", "n/a", "mina@", "mina example.com"),
    "phone": ("010-12**-5678", "12", "1.1E+10", "#N/A", "161234567.0", "+1 000"),
    "name": ("홍*동", "#N/A", "김민수;이영희", "홍OO", "(null)", "김민수|이영희"),
    "address": ("서울 ★★★", "NULL", "없음", "####", "서울 강남구 " + "가" * 1_000, "가" * 10_001),
    "items": ("order", "Name", "name|email"),
    "cohort": ("NULL", "NaN"),
    "count": ("0", "-1", "1.0", "2147483648", "１", "NaN"),
    "confidence": ("Confirmed", "maybe", "#N/A"),
}
STRAY_RECORDS = ("", "", " ", '""', ",", "A1,b,c", ",".join(COLUMNS), '"A\n1"')
STRAY_LINES = (
    *("", " ", "[]", "7", "{", "{}", '{"x": 1}', '{"count": 1, "count": 2}', '{"account_ref": "A1", "items": "name", "x": 0}'),
    *(
        f'{{"account_ref": "A1", "items": "name", "{name}": {value}}}'
        for name in ("recipient_ref", "phone", "count", "cohort")
        for value in ("true", "1.5", "7", '{"a": "b"}', '[["a"]]', '["a", 1]', '["a"]', r'"\ud800"', r'"a\u0000"', "NaN", "null", "[]")
    ),
)  # fmt: skip

Row = dict[str, list[str] | str]
"""Lists of text for `LIST_COLUMNS`, else text. An absent column has no key."""


class GeneratedFile(NamedTuple):
    name: str
    content: bytes
    """Before compression, if the name says that it is compressed."""
    block_bytes: int
    rows: Sequence[Row]
    """As drawn. A file that is not Parquet may hold others, because its text is damaged."""

    def packed(self) -> bytes:
        return gzip.compress(self.content, 1) if self.name.endswith(".gz") else self.content


def generate_file(random: Random) -> GeneratedFile:
    """Generate a file. One in ten has a line that does not belong there, one in three another byte or one less."""
    rows, kind, block_bytes = generate_rows(random), random.randrange(16), random.randrange(64, 512)
    if kind == 0:
        return GeneratedFile("set.parquet", write_parquet(random, rows), block_bytes, rows)
    is_csv = kind < 11
    lines = csv_records(random, rows) if is_csv else ndjson_lines(random, rows)
    if not random.randrange(10):
        lines.insert(random.randrange(1, len(lines) + 1), random.choice(STRAY_RECORDS if is_csv else STRAY_LINES))
    if is_csv and not random.randrange(30):
        lines[0] = lines[0].replace(random.choice([*rows[0]]), random.choice((*COLUMNS, "Email")))
    content = join_lines(random, lines)
    if not random.randrange(3):
        content = _damage(random, content)
    name = ("set.csv" if is_csv else "set.ndjson") + (".gz" if not random.randrange(6) else "")
    return GeneratedFile(name, content, block_bytes, rows)


def generate_rows(random: Random) -> list[Row]:
    columns = [*COLUMNS] if random.randrange(2) else [*COLUMNS[:3], *random.sample(COLUMNS[3:], random.randrange(8))]
    if "phone" in columns and not random.randrange(8):
        columns.remove("email")
    random.shuffle(columns)
    line_end = random.choice(LINE_ENDS)
    return [{name: _draw_cell(random, name, line_end) for name in columns} for _ in range(random.randrange(1, 8))]


def csv_records(random: Random, rows: Sequence[Row]) -> list[str]:
    """Return the header and the rows as CSV. Cells that need no quotes have some, too."""
    quotes_all = not random.randrange(8)
    records = [",".join(rows[0])]
    for row in rows:
        texts = [_join(random, cell) if isinstance(cell, list) else cell for cell in row.values()]
        cells = [
            _quote(text) if quotes_all or _needs_quotes(text) or not random.randrange(10) else text for text in texts
        ]
        records.append(",".join(cells))
    return records


def ndjson_lines(random: Random, rows: Sequence[Row]) -> list[str]:
    lines = []
    for row in rows:
        cells = {name: _json_cell(random, name, cell) for name, cell in row.items()}
        lines.append(json.dumps(cells, ensure_ascii=not random.randrange(4)))
    return lines


def join_lines(random: Random, lines: Sequence[str]) -> bytes:
    """Join lines by one of the line ends. Some begin with byte order marks; the last one may have no end."""
    line_end, has_marks = random.choice(LINE_ENDS), not random.randrange(3)
    marked = [MARK * random.choice((0, 0, 0, 1, 2)) + line if has_marks else line for line in lines]
    return (line_end.join(marked) + (line_end if random.randrange(3) else "")).encode()


def write_parquet(random: Random, rows: Sequence[Row]) -> bytes:
    columns = {}
    for name in rows[0]:
        cells: list[Any] = [row[name] or None for row in rows]
        type_ = pa.list_(pa.string()) if name in LIST_COLUMNS else pa.string()
        if name == "count" and all(cell is None or _is_plain_number(cell) for cell in cells):
            cells, type_ = [cell and int(cell) for cell in cells], pa.int64()
        columns[name] = pa.array(cells, type_)
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, compression="none", use_dictionary=not random.randrange(2))
    return sink.getvalue()


def _draw_cell(random: Random, name: str, line_end: str) -> list[str] | str:
    if name not in LIST_COLUMNS:
        return _draw_text(random, name, line_end)
    count = random.choice((1, 2, 3, 1, 1)) if random.randrange(16) else 0
    return [_draw_text(random, name, line_end) or " " for _ in range(count)]


def _draw_text(random: Random, name: str, line_end: str) -> str:
    text = random.choice(GOOD[name] if random.randrange(100) else BAD[name])
    roll = random.randrange(24)
    if roll == 1:
        return f" {text}\t"
    if roll > 6 or name not in (*VALUE_COLUMNS, "account_ref", "recipient_ref", "cohort"):
        return text
    if roll == 2 and name == "cohort":  # compared as it is: a mark in it would count in NDJSON only
        return text + line_end + text
    if name == "cohort":
        return text
    place = random.randrange(len(text) + 1)
    if roll == 2:
        return text[:place] + (line_end if random.randrange(4) else random.choice(LINE_ENDS)) + text[place:]
    if roll == 3:
        return text[:place] + random.choice(INVISIBLE) + text[place:]
    if roll == 4:
        return text.translate(_FULL_WIDTH)
    if roll == 5:
        return normalize("NFD", text)
    return text[:place] + line_end + MARK + text[place:] if text else text


_FULL_WIDTH: Mapping[int, int] = {code: code + 0xFEE0 for code in range(0x21, 0x7F) if chr(code) not in '"|'}


def _join(random: Random, values: Sequence[str]) -> str:
    escaped = [value.replace("|", "||") for value in values]
    joined = "|".join(f" {value}" if value.startswith("|") else value for value in escaped)
    return joined if random.randrange(12) else joined + "|"


def _needs_quotes(text: str) -> bool:
    return any(char in text for char in ',"\r\n')


def _quote(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _json_cell(random: Random, name: str, cell: list[str] | str) -> object:
    if isinstance(cell, str):
        return int(cell) if name == "count" and _is_plain_number(cell) and random.randrange(2) else cell
    if len(cell) < 2 and random.randrange(2):
        return cell[0] if cell else None
    return cell if random.randrange(6) else [*cell, None, ""]


def _is_plain_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


def _damage(random: Random, content: bytes) -> bytes:
    """Insert or drop something at one place."""
    place = random.randrange(7, len(content) + 1)  # behind marks: the header begins in the first block
    if not random.randrange(3):
        return content[:place] + content[place + 1 :]
    inserted = random.choice((b'"', b",", b"\n", b"\r", b"\r\n", b"|", b"\0", b"\xff", MARK.encode(), b" ", b'""'))
    if content[place - 1 : place + 1] == b"\r\n" and inserted == MARK.encode():
        return content  # a line end for some readers, two for others
    return content[:place] + inserted + content[place:]
