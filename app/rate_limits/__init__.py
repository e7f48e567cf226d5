"""Rate limits. README.md beside this file explains the arithmetic of the defaults.

`ActionLimiter` (GCRA buckets) charges what a request does: request a code, try a code, check a value. Its buckets are kept in this process or in
Redis. Nothing here knows HTTP: `app.http.rate_limit` counts the requests themselves.
"""

from app.rate_limits.action_limiter import ActionLimiter, CodeAttempt, GlobalLimitReached, LimitSubject, RateLimited
from app.rate_limits.bucket_store import BucketStore, MemoryBucketStore
from app.rate_limits.client_address import ClientAddress, client_address_from_ip
from app.rate_limits.deferred_denials import DeferredDenials
from app.rate_limits.policy import (
    ClientLimits,
    InvalidLimitsFile,
    RateLimitPolicy,
    RouteLimit,
    ServiceLimits,
    TargetLimits,
    load_policy,
)
from app.rate_limits.proof_of_work import ProofOfWork, VerifiedSolution
from app.rate_limits.redis_breaker import RedisCircuitBreaker
from app.rate_limits.redis_bucket_store import RedisBucketStore
from app.rate_limits.waiting_room import MustQueue, WaitingRoom

__all__ = [
    "ActionLimiter",
    "BucketStore",
    "ClientAddress",
    "ClientLimits",
    "CodeAttempt",
    "DeferredDenials",
    "GlobalLimitReached",
    "InvalidLimitsFile",
    "LimitSubject",
    "MemoryBucketStore",
    "MustQueue",
    "ProofOfWork",
    "RateLimitPolicy",
    "RateLimited",
    "RedisBucketStore",
    "RedisCircuitBreaker",
    "RouteLimit",
    "ServiceLimits",
    "TargetLimits",
    "VerifiedSolution",
    "WaitingRoom",
    "client_address_from_ip",
    "load_policy",
]
