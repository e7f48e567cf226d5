"""Buckets in Redis/Valkey. One script checks all transactions of a batch and then spends them, so that the batch is atomic.

All keys carry one hash tag, so that on a cluster they lie on one node. The arithmetic is that of `gcra.gcra_spend`; the same tests run against both.
"""

import json
from collections.abc import Sequence

from limits.storage import RedisStorage

from app.rate_limits.blinding import KEY_PREFIX, RedisBlinding
from app.rate_limits.bucket_store import MemoryBucketStore, combine_decisions, divide_limits
from app.rate_limits.redis_breaker import RedisCircuitBreaker
from app.rate_limits.transaction import TRUSTED_MAX_USED_FRACTION, BatchDecision, Transaction, bucket_keys

FALLBACK_DIVISOR = 4
"""How many times smaller a process's own buckets are while Redis is not available."""

_SPEND_SCRIPT = """
local batch = cjson.decode(ARGV[1])
local now, force, trusted_max, transactions = batch[1], batch[2], batch[3], batch[4]
local used_seconds, carried, decisions, denied = {}, {}, {}, false
for i, transaction in ipairs(transactions) do
  local seconds, count, cost = transaction[1], transaction[2], transaction[3]
  local usable_share, reserved_share = transaction[4], transaction[5]
  local stored = redis.call('GET', KEYS[2 * i - 1])
  if not stored then
    stored = redis.call('GET', KEYS[2 * i])
    carried[i] = stored
  end
  local arrival_time = tonumber(stored or 0)
  local used = math.max(arrival_time - now, 0) + cost * seconds / count
  used_seconds[i] = math.min(math.max(used, 0), seconds)
  if used_seconds[1] / transactions[1][1] > trusted_max then usable_share = usable_share - reserved_share end
  local retry_in = used - usable_share * seconds
  if cost <= 0 or retry_in <= 0.000001 then retry_in = 0 else denied = true end
  decisions[i] = string.format('%.9f %.6f', used_seconds[i] / seconds, retry_in)
end
if not denied or force then
  for i, transaction in ipairs(transactions) do
    local check_only = transaction[6]
    if not check_only then
      if carried[i] then redis.call('DEL', KEYS[2 * i]) end
      local milliseconds = math.ceil(used_seconds[i] * 1000)
      if milliseconds > 0 then
        redis.call('SET', KEYS[2 * i - 1], string.format('%.6f', now + used_seconds[i]), 'PX', milliseconds)
      else
        redis.call('DEL', KEYS[2 * i - 1])
      end
    end
  end
end
return table.concat(decisions, ' ')
"""


class RedisBucketStore:
    """Buckets that all processes share. While Redis is not available, this process uses smaller buckets of its own.

    Args:
        breaker: of the Redis.
        subkey: blinds their names; see `RedisBlinding`.
    """

    def __init__(self, breaker: RedisCircuitBreaker, subkey: bytes) -> None:
        self._breaker = breaker
        self._blinding = RedisBlinding(subkey)
        self._fallback = MemoryBucketStore(subkey)

    def spend(self, transactions: Sequence[Transaction], *, now: float, force: bool = False) -> BatchDecision:
        """Spend all transactions, or none if one is denied."""
        return self._breaker.call(
            lambda client: self._spend(client, transactions, now, force=force),
            lambda: self._fallback.spend(divide_limits(transactions, FALLBACK_DIVISOR), now=now, force=force),
        )

    def bucket_keys(self, transactions: Sequence[Transaction], *, now: float) -> tuple[str, ...]:
        """Return the keys of the buckets."""

        def shared_keys(client: RedisStorage) -> tuple[str, ...]:
            blinding_keys = self._blinding.keys(client, now)
            return tuple(bucket_keys(transaction, blinding_keys).today for transaction in transactions)

        return self._breaker.call(shared_keys, lambda: self._fallback.bucket_keys(transactions, now=now))

    def _spend(
        self, client: RedisStorage, transactions: Sequence[Transaction], now: float, *, force: bool
    ) -> BatchDecision:
        blinding_keys = self._blinding.keys(client, now)
        keys = [f"{KEY_PREFIX}{key}" for transaction in transactions for key in bucket_keys(transaction, blinding_keys)]
        rows = [
            (
                transaction.limit.seconds,
                transaction.limit.count,
                transaction.cost,
                transaction.usable_share,
                transaction.reserved_share,
                transaction.check_only,
            )
            for transaction in transactions
        ]
        # One argument and one string as the result: the client took longer to encode and decode several than the script takes to run.
        argument = json.dumps((now, force, TRUSTED_MAX_USED_FRACTION, rows))
        result: str = client.storage.register_script(_SPEND_SCRIPT)(keys, [argument])
        numbers = [float(number) for number in result.split()]
        return combine_decisions(transactions, list(zip(numbers[::2], numbers[1::2], strict=True)))
