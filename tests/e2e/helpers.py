"""Rows to import, and a check that all routes are unavailable."""

from tests.support.deployment import Deployment, make_row
from tests.support.responses import assert_unavailable

PHONE = "010-2000-0002"
ROWS = [
    make_row("a1", email="min@example.com", name="김민수", items="name|email"),
    make_row("a2", phone=PHONE, email="jisoo@example.com", name="박지수", items="name|phone|email"),
    make_row("a3", phone="010-3000-0003", name="이서연", items="name|phone"),
]


def assert_all_routes_unavailable(deployment: Deployment, headers: dict[str, str]) -> None:
    client = deployment.client
    assert_unavailable(client.get("/v1/exposures", headers=headers))
    assert_unavailable(client.post("/v1/exposures/check", headers=headers, json={"kind": "name", "value": "박지수"}))
    assert_unavailable(client.get("/v1/acknowledgements", headers=headers))
    acknowledgement = {"exposure_id": "0" * 32, "notice_version": 1, "locale": "ko"}
    assert_unavailable(client.post("/v1/acknowledgements", headers=headers, json=acknowledgement))
    assert_unavailable(client.get("/readyz"))
