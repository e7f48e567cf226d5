"""The key ratchet: what is encrypted opens on every host until it has expired, and on none after its key is destroyed."""

import hmac
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from hypothesis import given
from hypothesis import strategies as st

from app.crypto.key_ratchet import EPOCH, MARGIN, MAX_EPOCHS_AHEAD, EpochUnavailable, KeyRatchet, epoch_of
from app.crypto.ratchet_file import RatchetFile
from app.crypto.row_sealing import DecryptionFailed
from tests.crypto.helpers import flip_bits

START = datetime(2026, 1, 14, 9, 30, tzinfo=UTC)
LIFETIME = timedelta(minutes=10)


def make_ratchet(folder: Path, start: datetime = START) -> KeyRatchet:
    file = RatchetFile(folder)
    file.create(epoch_of(start))
    return KeyRatchet(file, LIFETIME)


def copy_file(source: Path, folder: Path) -> RatchetFile:
    """Copy a ratchet file to another host."""
    folder.mkdir()
    (folder / "ratchet.key").touch(0o600)
    (folder / "ratchet.key").write_bytes((source / "ratchet.key").read_bytes())
    return RatchetFile(folder)


def test_epochs_are_hours_since_1970() -> None:
    assert epoch_of(datetime(1970, 1, 1, tzinfo=UTC)) == 0
    assert epoch_of(datetime(1970, 1, 2, 0, 59, 59, 999999, tzinfo=UTC)) == 24
    assert epoch_of(datetime(1970, 1, 2, 1, tzinfo=UTC)) == 25


def test_the_scheme_is_the_published_one(tmp_path: Path) -> None:
    """Recompute one ciphertext from the file, with HMAC (HKDF-Expand of one block) and AES-GCM-SIV alone."""
    ciphertext = make_ratchet(tmp_path).encrypt_json("outbox", ["x"], now=START + 2 * EPOCH, aad=b"caller")
    state = (tmp_path / "ratchet.key").read_bytes()[4:]
    for _ in range(2):
        state = hmac.digest(state, b"exposure-lookup/1 ratchet\x01", "sha256")
    key = hmac.digest(state, b"exposure-lookup/1 epoch key outbox\x01", "sha256")
    epoch = (int(START.timestamp()) // 3600 + 2).to_bytes(4, "big")
    assert ciphertext[:4] == epoch
    aad = b"\0\x19exposure-lookup/1 ratchet\0\x06outbox\0\x04" + epoch + b"\0\x06caller"
    assert AESGCMSIV(key).decrypt(ciphertext[4:16], ciphertext[16:], aad) == b'["x"]'.ljust(512)


def test_only_the_same_ciphertext_purpose_and_associated_data_decrypt(tmp_path: Path) -> None:
    ratchet = make_ratchet(tmp_path)
    ciphertext = ratchet.encrypt_json("outbox", 1, now=START, aad=b"a")
    assert ratchet.decrypt_json("outbox", ciphertext, now=START, aad=b"a") == 1
    for purpose, aad in (("outbox", b""), ("outbo", b"xa"), ("support codes", b"a")):
        with pytest.raises(DecryptionFailed):
            ratchet.decrypt_json(purpose, ciphertext, now=START, aad=aad)
    for index in range(len(ciphertext)):
        with pytest.raises(DecryptionFailed):
            ratchet.decrypt_json("outbox", flip_bits(ciphertext, index, 1), now=START, aad=b"a")
    for damaged in (b"", ciphertext[:3], ciphertext[:4], ciphertext[:20], ciphertext.hex()):
        with pytest.raises(DecryptionFailed):
            ratchet.decrypt_json("outbox", damaged, now=START, aad=b"a")  # type: ignore[arg-type]


def test_another_chain_fails_as_a_mismatch(tmp_path: Path) -> None:
    ciphertext = make_ratchet(tmp_path / "a").encrypt_json("outbox", 1, now=START)
    with pytest.raises(DecryptionFailed) as caught:
        make_ratchet(tmp_path / "b").decrypt_json("outbox", ciphertext, now=START)
    assert not isinstance(caught.value, EpochUnavailable)


def test_a_key_is_destroyed_a_margin_after_the_last_expiry(tmp_path: Path) -> None:
    ratchet = make_ratchet(tmp_path)
    last_moment = START.replace(minute=59, second=59)
    ciphertext = ratchet.encrypt_json("outbox", 1, now=last_moment)
    end_of_epoch = START.replace(hour=10, minute=0)
    for now in (end_of_epoch + LIFETIME, end_of_epoch + LIFETIME + MARGIN - timedelta(seconds=1)):
        ratchet.advance(now)
        assert ratchet.decrypt_json("outbox", ciphertext, now=now) == 1
    ratchet.advance(end_of_epoch + LIFETIME + MARGIN)
    with pytest.raises(EpochUnavailable):
        ratchet.decrypt_json("outbox", ciphertext, now=now)
    with pytest.raises(EpochUnavailable):  # not even where the clock is set back, or by a new process
        KeyRatchet(RatchetFile(tmp_path), LIFETIME).decrypt_json("outbox", ciphertext, now=START)


def test_a_clock_that_was_ahead_is_noticed_and_goes_on_with_the_oldest_key(tmp_path: Path) -> None:
    ratchet = make_ratchet(tmp_path)
    ratchet.advance(START + timedelta(days=3650))
    assert ratchet.is_ahead(START)
    ciphertext = ratchet.encrypt_json("outbox", 1, now=START)
    assert ratchet.decrypt_json("outbox", ciphertext, now=START) == 1
    ratchet.advance(START)
    assert ratchet.is_ahead(START)
    (tmp_path / "ratchet.key").unlink()
    RatchetFile(tmp_path).create(epoch_of(START))
    ratchet.advance(START)  # takes over the operator's new file
    assert not ratchet.is_ahead(START)


def test_a_forged_epoch_costs_little(tmp_path: Path) -> None:
    ratchet = make_ratchet(tmp_path)
    now = epoch_of(START)
    for epoch in (0, now - 1, now + MAX_EPOCHS_AHEAD + 1, 2**32 - 1):
        with pytest.raises(EpochUnavailable):
            ratchet.decrypt_json("outbox", epoch.to_bytes(4, "big") + bytes(40), now=START)
    with pytest.raises(DecryptionFailed) as caught:
        ratchet.decrypt_json("outbox", (now + MAX_EPOCHS_AHEAD).to_bytes(4, "big") + bytes(40), now=START)
    assert not isinstance(caught.value, EpochUnavailable)


HOSTS = 3
hosts = st.integers(0, HOSTS - 1)
minutes = st.integers(0, 90)
actions = st.one_of(
    st.tuples(st.just("pass"), minutes),
    st.tuples(st.just("set clock"), hosts, st.integers(-300, 300)),
    st.tuples(st.just("encrypt"), hosts),
    st.tuples(st.just("advance"), hosts),
)


@given(st.lists(st.integers(-30, 30), min_size=HOSTS, max_size=HOSTS), st.lists(actions, max_size=40))
def test_a_message_opens_on_every_host_until_it_has_expired_and_on_none_after_destruction(
    skews: list[int], steps: Sequence[tuple[str, int] | tuple[str, int, int]]
) -> None:
    """Clocks are skewed by minutes, and are set wrong by up to five hours."""
    with TemporaryDirectory() as name:
        folder, start, skews = Path(name), START, list(skews)
        ratchets = [make_ratchet(folder / "0", start - timedelta(minutes=30))]
        ratchets += [KeyRatchet(copy_file(folder / "0", folder / str(host)), LIFETIME) for host in range(1, HOSTS)]
        latest_advance = [start - timedelta(days=1)] * HOSTS
        messages = list[tuple[bytes, datetime]]()
        for step in steps:
            match step:
                case ("pass", passed):
                    start += timedelta(minutes=passed)
                case ("set clock", host, skew):
                    skews[host] = skew
                case ("encrypt", host):
                    now = start + timedelta(minutes=skews[host])
                    messages.append((ratchets[host].encrypt_json("outbox", "code", now=now), now + LIFETIME))
                case ("advance", host):
                    now = start + timedelta(minutes=skews[host])
                    ratchets[host].advance(now)
                    latest_advance[host] = max(latest_advance[host], now)
        for ciphertext, expires_at in messages:
            end_of_epoch = datetime.fromtimestamp((int.from_bytes(ciphertext[:4], "big") + 1) * 3600, UTC)
            for ratchet, skew, latest in zip(ratchets, skews, latest_advance, strict=True):
                now = start + timedelta(minutes=skew)
                if latest >= end_of_epoch + LIFETIME + MARGIN:
                    with pytest.raises(EpochUnavailable):
                        ratchet.decrypt_json("outbox", ciphertext, now=now)
                else:
                    assert ratchet.decrypt_json("outbox", ciphertext, now=now) == "code"
                if latest < expires_at + MARGIN:
                    assert ratchet.decrypt_json("outbox", ciphertext, now=now) == "code"
