"""The exact tail of the binomial distribution: what chance alone would produce."""

from math import exp, lgamma, log


def binomial_tail(hits: int, trials: int, probability: float) -> float:
    """Return the probability of at least *hits* successes in *trials* independent trials."""
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
            + count * log(probability)
            + (trials - count) * log(1 - probability)
        )
        total += term
        if count > trials * probability and term < total * 1e-12:
            break
    return min(total, 1.0)
