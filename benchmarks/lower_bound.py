"""The least that an import can cost: the bare primitives over the same people and rows, with none of this project's code around them.

Each in the fastest way that was found for it, and its input ready made where it is not itself the work. Seconds of CPU, PostgreSQL's included.
"""

import csv
import gc
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from multiprocessing import get_context
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from benchmarks.processes import cpu_seconds
from tests.support.postgres_cluster import PostgresServer

SealedRow = tuple[bytes, int, bytes]
"""Locator, entry, sealed bytes, as they are stored."""

_KEY = bytes(range(32))
_NONCE = bytes(12)
_AROUND_OUTER = 16
_AROUND_INNER = _AROUND_OUTER + 1 + 8 + 16
"""Of a sealed row: the tag and the padding's mark of the outer seal, the row's tag, the tag of the inner seal."""
_INNER_DATA, _OUTER_DATA = bytes(80), bytes(116)
"""As much as the two seals are bound to."""
_CHUNK = 1 << 20
_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class ImportWorkload:
    """What there is to do."""

    file: Path
    questions: Sequence[bytes]
    rows: Sequence[SealedRow]
    """Sorted, as an import made them."""
    spilled: int
    """Bytes that are put aside between the stages, all together."""


def measure(work: ImportWorkload, server: PostgresServer, postmaster_pid: int, *, processes: int) -> dict[str, float]:
    """Do all of it once; gives the seconds of CPU of each part.

    By as many *processes* at once as an import has workers, each with its share: two that are busy on one core's arithmetic take longer each.
    """
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        shares = [
            ImportWorkload(work.file, work.questions[one::processes], work.rows[one::processes], work.spilled // processes)
            for one in range(processes)
        ]
        took: Counter[str] = Counter()
        for share in pool.map(partial(_steps, processes), shares):
            took.update(share)
    return {**took, "COPY with FREEZE, and the primary key": _copy(work.rows, server, postmaster_pid)}


def _steps(processes: int, work: ImportWorkload) -> dict[str, float]:
    gc.disable()
    return {
        "csv.reader": _timed(_parse, work) / processes,  # each of them reads the whole file
        "HMAC-SHA256 for each question": _timed(_authenticate, work),
        "keyed BLAKE2b, twice a row": _timed(_expand, work),
        "AES-256-GCM-SIV, made and sealed with, each row": _timed(_seal_inner, work),
        "AES-256-GCM-SIV, sealed with, each row": _timed(_seal_outer, work),
        "AES-256 blocks of all locators": _timed(_cloak, work),
        "AES-256-GCM of what is put aside, there and back": _timed(_put_aside, work),
    }


def _timed(step: Callable[[ImportWorkload], object], work: ImportWorkload) -> float:
    began = time.process_time()
    step(work)
    return time.process_time() - began


def _parse(work: ImportWorkload) -> None:
    with work.file.open(encoding="utf-8", newline="") as file:
        deque(csv.reader(file), maxlen=0)


def _authenticate(work: ImportWorkload) -> None:
    keyed = HMAC(_KEY, SHA256())
    for text in work.questions:
        one = keyed.copy()
        one.update(text)
        one.finalize()


def _expand(work: ImportWorkload) -> None:
    info = bytes(40)
    for locator, _, sealed in work.rows:
        blake2b(info, key=sealed[:32], digest_size=48).digest()
        blake2b(locator, key=_KEY, digest_size=8).digest()


def _seal_inner(work: ImportWorkload) -> None:
    for _, _, sealed in work.rows:
        AESGCMSIV(sealed[:32]).encrypt(_NONCE, sealed[_AROUND_INNER:], _INNER_DATA)


def _seal_outer(work: ImportWorkload) -> None:
    seal = AESGCMSIV(_KEY).encrypt
    for _, _, sealed in work.rows:
        seal(_NONCE, sealed[_AROUND_OUTER:], _OUTER_DATA)


def _cloak(work: ImportWorkload) -> None:
    cipher = Cipher(algorithms.AES256(_KEY), modes.ECB())  # noqa: S305  as the project's own
    cipher.encryptor().update(b"".join([locator for locator, _, _ in work.rows]))


def _put_aside(work: ImportWorkload) -> None:
    cipher, chunk = AESGCM(_KEY), os.urandom(_CHUNK)
    for _ in range(work.spilled // _CHUNK + 1):
        cipher.decrypt(_NONCE, cipher.encrypt(_NONCE, chunk, None), None)


def _copy(rows: Sequence[SealedRow], server: PostgresServer, postmaster_pid: int) -> float:
    parts = [b"".join(map(_encoded, rows[at : at + _ROWS_AT_ONCE])) for at in range(0, len(rows), _ROWS_AT_ONCE)]
    with server.connect(autocommit=False) as connection:
        before, began = cpu_seconds(postmaster_pid), time.process_time()
        connection.execute(
            "CREATE TABLE floor (entry smallint NOT NULL, locator bytea NOT NULL, sealed bytea STORAGE EXTERNAL NOT NULL)"
        )
        with connection.cursor().copy("COPY floor FROM STDIN (FORMAT BINARY, FREEZE)") as stream:
            stream.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
            for part in parts:
                stream.write(part)
            stream.write(b"\xff\xff")
        connection.execute("ALTER TABLE floor ADD PRIMARY KEY (locator, entry) WITH (fillfactor = 100)")
        connection.commit()
        took = time.process_time() - began + cpu_seconds(postmaster_pid) - before
        connection.execute("DROP TABLE floor")
        connection.commit()
    return took


def _encoded(row: SealedRow) -> bytes:
    locator, entry, sealed = row
    fields = (entry.to_bytes(2, "big"), locator, sealed)
    return b"\0\3" + b"".join([len(field).to_bytes(4, "big") + field for field in fields])
