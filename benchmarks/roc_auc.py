"""How well two samples can be told apart by their size: the area under the ROC curve, which is 0.5 for a toss-up and 1 for certainty."""

from collections.abc import Sequence
from itertools import groupby


def area(one: Sequence[float], other: Sequence[float]) -> float:
    """Give the chance that one drawn from the longer lasting sample lasts longer than one drawn from the other; equals count half.

    Mann and Whitney's U over the number of pairs, whichever way it is the larger: 0.5 at the least.
    """
    smaller = u = 0.0
    drawn = sorted([*((value, True) for value in one), *((value, False) for value in other)])
    for _, equals in groupby(drawn, key=lambda pair: pair[0]):
        ours = [mine for _, mine in equals]
        others = ours.count(False)
        u += ours.count(True) * (smaller + others / 2)
        smaller += others
    found = u / (len(one) * len(other))
    return max(found, 1 - found)
