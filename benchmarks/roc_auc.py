"""The area under the ROC curve: how well two samples can be told apart by their values. 0.5 means not at all, 1 means always."""

from collections.abc import Sequence
from itertools import groupby


def area_under_curve(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the probability that a value of the larger sample exceeds one of the other; ties count half.

    This is the Mann-Whitney U statistic over the number of pairs, for whichever direction is larger: at least 0.5.
    """
    smaller = u = 0.0
    values = sorted([*((value, True) for value in first), *((value, False) for value in second)])
    for _, ties in groupby(values, key=lambda pair: pair[0]):
        is_first = [from_first for _, from_first in ties]
        tied_second = is_first.count(False)
        u += is_first.count(True) * (smaller + tied_second / 2)
        smaller += tied_second
    area = u / (len(first) * len(second))
    return max(area, 1 - area)
