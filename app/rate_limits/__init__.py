"""Rate limits. README.md beside this file explains the arithmetic of the defaults.

`RequestLimiter` (slowapi, fixed windows) counts every request of a client address before the request is parsed. `ActionLimiter` (GCRA buckets)
charges what a request does: ask for a code, try a code, check a value. The counters of both are kept in this process or in Redis.
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
from app.rate_limits.request_limiter import BackendState, RateLimitState, RequestLimiter, client_address_of
from app.rate_limits.waiting_room import MustQueue, WaitingRoom

__all__ = [
    "ActionLimiter",
    "BackendState",
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
    "RateLimitState",
    "RateLimited",
    "RedisBucketStore",
    "RedisCircuitBreaker",
    "RequestLimiter",
    "RouteLimit",
    "ServiceLimits",
    "TargetLimits",
    "VerifiedSolution",
    "WaitingRoom",
    "client_address_from_ip",
    "client_address_of",
    "load_policy",
]
