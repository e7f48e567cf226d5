"""What chance alone would do, exactly."""

from math import exp, lgamma, log


def at_least(hits: int, trials: int, chance: float) -> float:
    """Give the probability of so many hits or more: the upper tail of a binomial distribution."""
    if hits <= 0:
        return 1.0
    if hits > trials:
        return 0.0
    total = 0.0
    for count in range(hits, trials + 1):
        term = exp(
            lgamma(trials + 1)
            - lgamma(count + 1)
            - lgamma(trials - count + 1)
            + count * log(chance)
            + (trials - count) * log(1 - chance)
        )
        total += term
        if count > trials * chance and term < total * 1e-12:
            break
    return min(total, 1.0)
