"""Buckets in Redis/Valkey: one script looks at all charges, then spends them, and nothing comes between.

All names carry one hash tag, so that on a cluster what is spent together lies together. It is the arithmetic of `decision.spend`; the same tests are
run against both.
"""

import json
import secrets
from collections.abc import Sequence

from limits.storage import RedisStorage
from redis.exceptions import ResponseError

from app.rate_limits.bucket_store import DAY, MemoryBucketStore, outcome_of, stricter
from app.rate_limits.transaction import QUOTA, Transaction, BatchDecision, bucket_name, mark_of
from app.rate_limits.redis_breaker import RedisCircuitBreaker

PREFIX = "exposure:{budgets}:"
FALLBACK_DIVISOR = 4
"""How many times less a process's own buckets hold while the store does not answer."""

_SPEND = """
local given = cjson.decode(ARGV[1])
local now, force, quota, charges = given[1], given[2], given[3], given[4]
local left_of, said, refused = {}, {}, false
for i, charge in ipairs(charges) do
  local seconds, count, cost, share, kept, mark = charge[1], charge[2], charge[3], charge[4], charge[5], charge[6]
  if mark >= 0 and redis.call('GETBIT', KEYS[2 * i], mark) == 1 then cost = 0 end
  local before = tonumber(redis.call('GET', KEYS[2 * i - 1]) or 0)
  local left = math.max(before - now, 0) + cost * seconds / count
  left_of[i] = math.min(math.max(left, 0), seconds)
  if left_of[1] / charges[1][1] > quota then share = share - kept end
  local wait = left - share * seconds
  if cost <= 0 or wait <= 0.000001 then wait = 0 else refused = true end
  said[i] = string.format('%.9f %.6f', left_of[i] / seconds, wait)
end
if not refused or force then
  for i, charge in ipairs(charges) do
    if not charge[7] then
      local milliseconds = math.ceil(left_of[i] * 1000)
      if milliseconds > 0 then
        redis.call('SET', KEYS[2 * i - 1], string.format('%.6f', now + left_of[i]), 'PX', milliseconds)
      else
        redis.call('DEL', KEYS[2 * i - 1])
      end
      if charge[6] >= 0 then
        redis.call('SETBIT', KEYS[2 * i], charge[6], 1)
        redis.call('PEXPIRE', KEYS[2 * i], 172800000)
      end
    end
  end
end
return table.concat(said, ' ')
"""


class RedisBucketStore:
    """Buckets that all processes share; while their store does not answer, stricter ones of this process."""

    def __init__(self, store: RedisCircuitBreaker) -> None:
        self._store = store
        self._instead = MemoryBucketStore()
        self._key: tuple[object, float, bytes] = (None, -1.0, b"")

    def spend(self, charges: Sequence[Transaction], *, now: float, force: bool = False) -> BatchDecision:
        """Spend all charges, or none where one is refused."""
        return self._store.ask(
            lambda storage: self._spend(storage, charges, now, force=force),
            lambda: self._instead.spend(stricter(charges, FALLBACK_DIVISOR), now=now, force=force),
        )

    def bucket_keys(self, charges: Sequence[Transaction], *, now: float) -> tuple[str, ...]:
        """Name the buckets of some charges."""

        def named(storage: RedisStorage) -> tuple[str, ...]:
            key = self._key_of_day(storage, now)
            return tuple(bucket_name(charge, key) for charge in charges)

        return self._store.ask(named, lambda: self._instead.bucket_keys(charges, now=now))

    def _spend(self, storage: RedisStorage, charges: Sequence[Transaction], now: float, *, force: bool) -> BatchDecision:
        key = self._key_of_day(storage, now)
        names: list[str] = []
        given: list[tuple[float, ...]] = []
        for charge in charges:
            name = bucket_name(charge, key)
            names += [f"{PREFIX}{name}", f"{PREFIX}marks:{name}"]
            mark = -1 if charge.distinct is None else mark_of(charge.distinct, key)
            limit = charge.limit
            given.append((limit.seconds, limit.count, charge.cost, charge.share, charge.kept, mark, charge.looks))
        # one argument and one answer: the client's work on each took longer than the script
        order = json.dumps((now, force, QUOTA, given))
        said = [float(one) for one in storage.storage.register_script(_SPEND)(names, [order]).split()]
        return outcome_of(charges, list(zip(said[::2], said[1::2], strict=True)))

    def _key_of_day(self, storage: RedisStorage, now: float) -> bytes:
        """Give the random key by which all processes blind the names of a day; the store forgets it the day after.

        It is asked for each minute and each time that the store comes back, since one that lost its memory gets another.
        """
        reached, minute, key = self._key
        if reached is not storage or minute != now // 60:
            name = f"{PREFIX}key:{int(now // DAY)}"
            storage.storage.set(name, secrets.token_bytes(32), nx=True, ex=int(2 * DAY))
            key = storage.storage.get(name)
            if key is None:
                raise ResponseError("the store forgets what it was just told")
            self._key = storage, now // 60, key
        return key
