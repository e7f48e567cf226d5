"""What may be asked how often, and by whom. README.md beside this file has the arithmetic of the defaults.

Every call of a route spends one of the budgets of its address (`Limiter`, slowapi) before anything of it is parsed. What a call means, a code asked
for or guessed or a value held against a record, spends the budgets by meaning (`Budgets`). Both are kept in this process or in one store.
"""

from app.limits.askers import Asker, asker_at
from app.limits.buckets import Buckets, LocalBuckets
from app.limits.budgets import Budgets, Busy, Guess, OverBudget, Recipient
from app.limits.limiter import Kept, Limiter, Spent, asker_of
from app.limits.policy import BadBudgets, Budget, ClientBudgets, Policy, ServiceBudgets, TargetBudgets, read_policy
from app.limits.queue import Crowded, Queue
from app.limits.refusals import Refusals
from app.limits.shared_buckets import SharedBuckets
from app.limits.store import Store
from app.limits.work import ProofOfWork, Solved

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
