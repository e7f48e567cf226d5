"""The client of a request: its address, and the headers by which it proves work or keeps its place in the waiting room."""

from dataclasses import dataclass, field

from starlette.requests import Request

from app.rate_limits import ClientAddress, client_address_from_ip

PROOF_OF_WORK_HEADER, QUEUE_TICKET_HEADER = "Proof-Of-Work", "Queue-Ticket"


@dataclass(frozen=True, slots=True)
class Client:
    """Who requests or tries a code: the address that limits are charged to, and a proof-of-work solution ("" if there is none)."""

    address: ClientAddress
    work_solution: str = field(repr=False)


def client_of(request: Request) -> Client:
    """Return the client of a request."""
    return Client(client_address_of(request), request.headers.get(PROOF_OF_WORK_HEADER, ""))


def client_address_of(request: Request) -> ClientAddress:
    """Return the client address of a request: the peer that uvicorn saw, or the address that a trusted proxy named."""
    return client_address_from_ip(request.client.host if request.client else "")
