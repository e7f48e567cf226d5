"""SMS pumping: causing messages to a premium range that earns a share of their price, abroad, and to one victim over and over."""

from collections.abc import Iterator
from itertools import count

from simulation.observations import ObservationLog
from simulation.proxy_client import ApiResponse, Script, code_request, resend_request
from simulation.run import Simulation

PREMIUM_RANGE_START, PREMIUM_RANGE_SIZE = 825050000000, 10_000
"""Personal numbers, whose owners may earn from incoming messages."""
FOREIGN_PHONES = ("+12025550143", "+447911123456", "+33612345678")


def pump_messages(simulation: Simulation, log: ObservationLog, client_ips: Iterator[str]) -> Script:
    """Request codes, each from another address, and a resend of each as soon as it is allowed."""
    victim = simulation.victim
    verifications: list[tuple[float, ApiResponse]] = []
    for index in count():
        targets = (
            f"+{PREMIUM_RANGE_START + index % PREMIUM_RANGE_SIZE}",
            victim.phone,
            f"+{PREMIUM_RANGE_START + index % 10}",
            FOREIGN_PHONES[index % 3],
        )
        response: ApiResponse = yield code_request(next(client_ips), targets[index % 4])
        if index % 4 == 3 and response.status == 202:
            log.leaks["a message abroad"] += 1
        if response.status == 202:
            verifications.append((simulation.now, response))
        while verifications and verifications[0][0] < simulation.now - 60:
            _, oldest = verifications.pop(0)
            yield resend_request(next(client_ips), oldest.json)
