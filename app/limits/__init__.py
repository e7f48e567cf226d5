"""Client budgets: how often one address may call. Every route spends one, before anything of the call is parsed.

The arithmetic of the defaults stands in README.md beside this file.
"""

from app.limits.budgets import BadBudgets, Budget, Budgets, read_budgets
from app.limits.limiter import Limiter, Spent

__all__ = ["BadBudgets", "Budget", "Budgets", "Limiter", "Spent", "read_budgets"]
