"""The lower bound of an import's cost: the bare primitives on the same people and rows, without this project's code.

Each primitive is called in the fastest way that we found, and its input is prepared beforehand unless preparing it is part of the work.
Costs are CPU seconds, including PostgreSQL's.
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
"""Locator, entry and ciphertext, as stored."""

_KEY = bytes(range(32))
_NONCE = bytes(12)
_OUTER_OVERHEAD = 16
"""Bytes of the outer seal's tag."""
_INNER_OVERHEAD = _OUTER_OVERHEAD + 1 + 8 + 16
"""Also the outer seal's padding mark, the row tag and the inner seal's tag."""
_INNER_AAD, _OUTER_AAD = bytes(80), bytes(116)
"""Placeholders with the lengths of the real associated data."""
_SPILL_CHUNK_BYTES = 1 << 20
_COPY_BATCH_SIZE = 10_000


@dataclass(frozen=True, slots=True)
class ImportWorkload:
    """The input of the primitives."""

    file: Path
    mac_inputs: Sequence[bytes]
    """Messages that the keyholder authenticates."""
    rows: Sequence[SealedRow]
    """The rows of an import, sorted."""
    spilled_bytes: int
    """Bytes that the import writes to disk between its stages."""


def measure(
    workload: ImportWorkload, server: PostgresServer, postmaster_pid: int, *, processes: int
) -> dict[str, float]:
    """Run all primitives once, and return the CPU seconds of each.

    The work is divided among as many *processes* as an import has workers, because two processes that compute on one core at the same time slow
    each other down.
    """
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        shares = [
            ImportWorkload(
                workload.file,
                workload.mac_inputs[index::processes],
                workload.rows[index::processes],
                workload.spilled_bytes // processes,
            )
            for index in range(processes)
        ]
        seconds: Counter[str] = Counter()
        for share_seconds in pool.map(partial(_measure_share, processes), shares):
            seconds.update(share_seconds)
    return {**seconds, "COPY with FREEZE, and the primary key": _copy_rows(workload.rows, server, postmaster_pid)}


def _measure_share(processes: int, workload: ImportWorkload) -> dict[str, float]:
    gc.disable()
    return {
        "csv.reader": _time_step(_parse_csv, workload) / processes,  # every process reads the whole file
        "HMAC-SHA256 of each keyholder input": _time_step(_compute_macs, workload),
        "keyed BLAKE2b, twice a row": _time_step(_derive_row_keys, workload),
        "AES-256-GCM-SIV inner seal, one key per row": _time_step(_seal_inner, workload),
        "AES-256-GCM-SIV outer seal, one key": _time_step(_seal_outer, workload),
        "AES-256 of all locators": _time_step(_encrypt_locators, workload),
        "AES-256-GCM of the spill files, both ways": _time_step(_encrypt_spill_files, workload),
    }


def _time_step(step: Callable[[ImportWorkload], object], workload: ImportWorkload) -> float:
    start = time.process_time()
    step(workload)
    return time.process_time() - start


def _parse_csv(workload: ImportWorkload) -> None:
    with workload.file.open(encoding="utf-8", newline="") as file:
        deque(csv.reader(file), maxlen=0)


def _compute_macs(workload: ImportWorkload) -> None:
    keyed = HMAC(_KEY, SHA256())
    for mac_input in workload.mac_inputs:
        mac = keyed.copy()
        mac.update(mac_input)
        mac.finalize()


def _derive_row_keys(workload: ImportWorkload) -> None:
    info = bytes(40)
    for locator, _, sealed in workload.rows:
        blake2b(info, key=sealed[:32], digest_size=48).digest()
        blake2b(locator, key=_KEY, digest_size=8).digest()


def _seal_inner(workload: ImportWorkload) -> None:
    for _, _, sealed in workload.rows:
        AESGCMSIV(sealed[:32]).encrypt(_NONCE, sealed[_INNER_OVERHEAD:], _INNER_AAD)


def _seal_outer(workload: ImportWorkload) -> None:
    encrypt = AESGCMSIV(_KEY).encrypt
    for _, _, sealed in workload.rows:
        encrypt(_NONCE, sealed[_OUTER_OVERHEAD:], _OUTER_AAD)


def _encrypt_locators(workload: ImportWorkload) -> None:
    cipher = Cipher(algorithms.AES256(_KEY), modes.ECB())  # noqa: S305  the project encrypts locators in this way
    cipher.encryptor().update(b"".join([locator for locator, _, _ in workload.rows]))


def _encrypt_spill_files(workload: ImportWorkload) -> None:
    cipher, chunk = AESGCM(_KEY), os.urandom(_SPILL_CHUNK_BYTES)
    for _ in range(workload.spilled_bytes // _SPILL_CHUNK_BYTES + 1):
        cipher.decrypt(_NONCE, cipher.encrypt(_NONCE, chunk, None), None)


def _copy_rows(rows: Sequence[SealedRow], server: PostgresServer, postmaster_pid: int) -> float:
    """Load the rows into PostgreSQL, and return the CPU seconds of this process and of PostgreSQL."""
    batches = [
        b"".join(map(_encode_row, rows[start : start + _COPY_BATCH_SIZE]))
        for start in range(0, len(rows), _COPY_BATCH_SIZE)
    ]
    with server.connect(autocommit=False) as connection:
        postgresql_before, own_before = cpu_seconds(postmaster_pid), time.process_time()
        connection.execute(
            "CREATE TABLE lower_bound (entry smallint NOT NULL, locator bytea NOT NULL, sealed bytea STORAGE EXTERNAL NOT NULL)"
        )
        with connection.cursor().copy("COPY lower_bound FROM STDIN (FORMAT BINARY, FREEZE)") as stream:
            stream.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
            for batch in batches:
                stream.write(batch)
            stream.write(b"\xff\xff")
        connection.execute("ALTER TABLE lower_bound ADD PRIMARY KEY (locator, entry) WITH (fillfactor = 100)")
        connection.commit()
        seconds = time.process_time() - own_before + cpu_seconds(postmaster_pid) - postgresql_before
        connection.execute("DROP TABLE lower_bound")
        connection.commit()
    return seconds


def _encode_row(row: SealedRow) -> bytes:
    """Encode a row for binary COPY."""
    locator, entry, sealed = row
    fields = (entry.to_bytes(2, "big"), locator, sealed)
    return b"\0\3" + b"".join([len(field).to_bytes(4, "big") + field for field in fields])
