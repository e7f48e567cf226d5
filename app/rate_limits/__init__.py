"""What may be asked how often, and by whom. README.md beside this file has the arithmetic of the defaults.

Every call of a route spends one of the budgets of its address (`RequestLimiter`, slowapi) before anything of it is parsed. What a call means, a code asked
for or guessed or a value held against a record, spends the budgets by meaning (`ActionLimiter`). Both are kept in this process or in one store.
"""

from app.rate_limits.client_address import ClientAddress, client_address_from_ip
from app.rate_limits.bucket_store import BucketStore, MemoryBucketStore
from app.rate_limits.action_limiter import ActionLimiter, GlobalLimitReached, CodeAttempt, RateLimited, LimitSubject
from app.rate_limits.request_limiter import BackendState, RequestLimiter, RateLimitState, client_address_of
from app.rate_limits.policy import InvalidLimitsFile, RouteLimit, ClientLimits, RateLimitPolicy, ServiceLimits, TargetLimits, load_policy
from app.rate_limits.waiting_room import MustQueue, WaitingRoom
from app.rate_limits.deferred_denials import DeferredDenials
from app.rate_limits.redis_bucket_store import RedisBucketStore
from app.rate_limits.redis_breaker import RedisCircuitBreaker
from app.rate_limits.proof_of_work import ProofOfWork, VerifiedSolution

__all__ = [
    "Asker",
    "BadBudgets",
    "Buckets",
    "Budget",
    "Budgets",
    "Busy",
    "ClientBudgets",
    "Crowded",
    "Guess",
    "Kept",
    "Limiter",
    "LocalBuckets",
    "OverBudget",
    "Policy",
    "ProofOfWork",
    "Queue",
    "Recipient",
    "Refusals",
    "ServiceBudgets",
    "SharedBuckets",
    "Solved",
    "Spent",
    "Store",
    "TargetBudgets",
    "asker_at",
    "asker_of",
    "read_policy",
]
