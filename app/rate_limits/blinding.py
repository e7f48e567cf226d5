"""Names of buckets and windows. They are blinded, so that their store does not reveal whose they are.

    blinding key = HMAC(application subkey, key of the day)        name = keyed BLAKE2b(blinding key, subject)

The key of the day is random. It lies in the store and is deleted after two days, so that old names cannot be tested even with the application key.
The application key lies elsewhere, so that the store with all that is in it does not suffice: there are few addresses. Identifiers are fewer still
and come as pseudonyms, which take the pepper too.
"""

import hmac
import secrets
from hashlib import blake2b
from typing import NamedTuple

from limits.storage import RedisStorage
from redis.exceptions import ResponseError

from app.crypto.framing import frame

DAY_SECONDS = 86400.0
KEY_PREFIX = "exposure:{budgets}:"
"""Of the buckets in Redis, and of the keys of the days. The hash tag keeps them on one node of a cluster."""
_NAME_BYTES = 16
_PERSONALIZATION = b"exposure/1 limit"


class BlindingKeys(NamedTuple):
    """The key that blinds names today, and the one of yesterday, under which lies what is not full or over yet."""

    today: bytes
    yesterday: bytes

    def __repr__(self) -> str:
        return "BlindingKeys(…)"


class LocalBlinding:
    """Blinds names within this process. Not thread-safe: its owner holds a lock.

    Args:
        subkey: the application subkey for rate limits.
    """

    def __init__(self, subkey: bytes) -> None:
        self._subkey = subkey
        self._keys: dict[int, bytes] = {}

    def keys(self, now: float) -> BlindingKeys:
        """Return the blinding keys at *now*, in seconds since the epoch."""
        today = _day(now)
        if today not in self._keys or today - 1 not in self._keys:
            # A later day is kept: a thread may be late, with a time before midnight.
            days = {today - 1, today, *(day for day in self._keys if day > today)}
            self._keys = {
                day: self._keys.get(day) or _blinding_key(self._subkey, secrets.token_bytes(32)) for day in days
            }
        return BlindingKeys(self._keys[today], self._keys[today - 1])


class RedisBlinding:
    """Blinds names alike in all processes that share a Redis, which holds the keys of the days.

    Args:
        subkey: the application subkey for rate limits.
    """

    def __init__(self, subkey: bytes) -> None:
        self._subkey = subkey
        self._cached: tuple[object, float, BlindingKeys] = (None, -1.0, BlindingKeys(b"", b""))
        """The Redis client that the keys of the days were read from, the minute of that read, and the blinding keys."""

    def keys(self, client: RedisStorage, now: float) -> BlindingKeys:
        """Return the blinding keys at *now*, in seconds since the epoch.

        They are read again each minute and after each reconnection, because a Redis that lost its memory gets other keys.
        """
        cached_client, cached_minute, keys = self._cached
        if cached_client is not client or cached_minute != now // 60:
            today = _day(now)
            keys = BlindingKeys(
                *(_blinding_key(self._subkey, _read_daily_key(client, day)) for day in (today, today - 1))
            )
            self._cached = client, now // 60, keys
        return keys


def blind(key: bytes, role: bytes, subject: bytes) -> str:
    """Return the name of *subject* under a blinding key. *role* is what is named: ``bucket`` or ``window``."""
    # RFC 7693, keyed: it takes a fifth of the time of an HMAC, and a request has up to twenty names
    return blake2b(frame(role, subject), key=key, digest_size=_NAME_BYTES, person=_PERSONALIZATION).hexdigest()


def _day(now: float) -> int:
    return int(now // DAY_SECONDS)


def _blinding_key(subkey: bytes, daily_key: bytes) -> bytes:
    return hmac.digest(subkey, daily_key, "sha256")


def _read_daily_key(client: RedisStorage, day: int) -> bytes:
    name = f"{KEY_PREFIX}key:{day}"
    # two days from the first use: through the next day, which still reads it
    client.storage.set(name, secrets.token_bytes(32), nx=True, ex=int(2 * DAY_SECONDS))
    daily_key: bytes | None = client.storage.get(name)
    if daily_key is None:
        raise ResponseError("Redis does not return the key that was just set")
    return daily_key
