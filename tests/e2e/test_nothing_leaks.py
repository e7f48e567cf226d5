"""No personal data outside of where it belongs: not in the database, the logs, the errors, the metrics, or a repr.

Every route is called with marked values. Then all output is searched for them, in many encodings.
"""

import base64
import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.identifiers import canonicalize
from tests.support.deployment import Deployment, make_row

EMAIL = "Marked.Zelkova@example.com"
PHONE = "010-5827-3694"
NAME = "표식느티나무"
ADDRESS = "서울특별시 강남구 표식느티로 8127, 903동 4158호"
MARKED_INPUT = "marked-stray-input-7391"

MARKED_VALUES = {"email": EMAIL, "phone": PHONE, "name": NAME, "address": ADDRESS}


def encodings_of(text: str) -> Iterator[bytes]:
    """Yield every encoding of *text* that output is searched for."""
    for raw in (text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be"), json.dumps(text)[1:-1].encode()):
        yield raw
        yield raw.hex().encode()
        yield raw.hex().upper().encode()
        for offset in range(
            3
        ):  # base64 at each of its three alignments, without the characters that depend on neighbouring bytes
            encoded = base64.b64encode(b"\0" * offset + raw)
            yield encoded[4 if offset else 0 : -4]
        yield base64.urlsafe_b64encode(raw).rstrip(b"=")
        for algorithm in ("md5", "sha1", "sha256"):
            digest = hashlib.new(algorithm, raw, usedforsecurity=False).digest()
            yield digest
            yield digest.hex().encode()
            yield base64.b64encode(digest).rstrip(b"=")


def marked_spellings() -> Iterator[str]:
    """Yield the marked values as written, in lower case, and in canonical form."""
    for kind, text in MARKED_VALUES.items():
        yield text
        yield text.lower()
        yield canonicalize(kind, text)  # type: ignore[arg-type]
    yield PHONE.replace("-", "")
    yield "58273694"


def assert_found_nowhere(output: bytes, texts: list[str], where: str) -> None:
    for text in texts:
        for encoded in encodings_of(text):
            if len(encoded) >= 6:
                assert encoded not in output, f"{where} holds a marked value"


def dump_database(deployment: Deployment) -> bytes:
    """Return all contents of the database: the files (SQLite), and every column of every row."""
    if deployment.database.is_sqlite:
        path = Path(deployment.database.url.database or "")
        names = deployment.execute_sql("SELECT name FROM sqlite_master WHERE type = 'table'")
        files = b"".join(file.read_bytes() for file in path.parent.iterdir())
        with sqlite3.connect(path) as connection:
            script = "\n".join(connection.iterdump()).encode()
        connection.close()
    else:
        names = deployment.execute_sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        files = script = b""
    values = [value for (name,) in names for row in deployment.execute_sql(f'SELECT * FROM "{name}"') for value in row]
    return files + script + b"\n".join(_to_bytes(value) for value in values)


def _to_bytes(value: Any) -> bytes:
    match value:
        case bytes() | memoryview():
            return bytes(value) + b"\n" + bytes(value).hex().encode()
        case dict() | list():
            return json.dumps(value, ensure_ascii=False).encode()
        case _:
            return str(value).encode()


def call_every_route(deployment: Deployment) -> tuple[list[str], list[str]]:
    """Call every route with valid and invalid input; return the error bodies, and the codes, secrets and tokens used."""
    client = deployment.client
    errors: list[str] = []
    secrets: list[str] = []
    headers: dict[str, str] = {}
    for identifier in (EMAIL, PHONE):
        started = deployment.request_code(identifier)
        deployment.clock.advance(minutes=1)
        resent = client.post(
            f"/v1/verifications/{started.json()['id']}/resend", json={"client_secret": started.json()["client_secret"]}
        )
        old_code, new_code = (message.code for message in deployment.deliver_outbox())
        secrets += [old_code, new_code, started.json()["client_secret"]]
        errors.append(deployment.confirm_code(resent, old_code).text)
        confirmed = deployment.confirm_code(resent, new_code, headers)
        secrets.append(confirmed.json()["access_token"])
        headers = {"Authorization": f"Bearer {secrets[-1]}"}
        errors.append(deployment.confirm_code(resent, new_code).text)
    deployment.request_code("010-5827-0000")  # its code is never delivered
    (exposure,) = client.get("/v1/exposures", headers=headers).json()["exposures"]
    for kind, value in MARKED_VALUES.items():
        client.post("/v1/exposures/check", headers=headers, json={"kind": kind, "value": value})
        errors.append(client.post("/v1/exposures/check", headers=headers, json={"kind": kind, "value": [value]}).text)
        errors.append(client.post("/v1/exposures/check", headers=headers, json={"kind": value, "value": "\0"}).text)
        errors.append(client.post("/v1/exposures/check", headers=headers, json={value: value}).text)
        errors.append(
            client.post("/v1/verifications", json={"channel": value, "identifier": MARKED_INPUT + value}).text
        )
        errors.append(
            client.post("/v1/verifications", json={"channel": "sms", "identifier": MARKED_INPUT + value}).text
        )
        errors.append(client.post("/v1/verifications", content=value.encode()).text)
        for path in (f"/{value}", f"/v1/incidents/{value}/notice", f"/v1/verifications/{value}/confirm"):
            errors.append(client.post(path, json={"code": value, "client_secret": value}).text)
            errors.append(client.get(path, params={"locale": value, "q": value}).text)
        errors.append(client.get("/v1/exposures", headers={"Authorization": f"Bearer {value.encode().hex()}"}).text)
        errors.append(client.request("DELETE", "/v1/session", params={"token": value}).text)
    body = {"exposure_id": exposure["id"], "notice_version": 1, "locale": "en"}
    assert client.post("/v1/acknowledgements", headers=headers, json=body).status_code == 201
    errors.append(client.post("/v1/acknowledgements", headers=headers, json=body | {"exposure_id": MARKED_INPUT}).text)
    return errors, secrets


@pytest.fixture
def marked_rows() -> list[dict[str, str]]:
    values = {"email": EMAIL, "phone": PHONE, "name": NAME, "address": ADDRESS}
    return [
        make_row("account-marked-zelkova", **values, items="name|email|phone|address", cohort="profile-edit"),
        make_row("other", email="other@example.com", phone=PHONE.replace("010", "011"), items="email"),
    ]


def test_the_database_contains_no_marked_value(deployment: Deployment, marked_rows: list[dict[str, str]]) -> None:
    deployment.import_and_publish(marked_rows)
    before = dump_database(deployment)
    assert_found_nowhere(before, [*marked_spellings(), "account-marked-zelkova"], "the database after an import")
    _, secrets = call_every_route(deployment)
    texts = [*marked_spellings(), "account-marked-zelkova", *secrets]
    assert_found_nowhere(dump_database(deployment), texts, "the database after a journey")


def test_logs_and_errors_contain_no_marked_value(
    deployment: Deployment, marked_rows: list[dict[str, str]], capfd: pytest.CaptureFixture[str]
) -> None:
    deployment.import_and_publish(marked_rows)
    errors, secrets = call_every_route(deployment)
    texts = [*marked_spellings(), MARKED_INPUT, *secrets]
    assert_found_nowhere("\n".join(errors).encode(), texts, "an error body")
    out, err = capfd.readouterr()
    assert '"route": "/v1/verifications/{id}/confirm"' in err
    assert_found_nowhere((out + err).encode(), texts, "the log")


def test_metrics_contain_no_marked_value(
    make_deployment: Callable[..., Deployment], marked_rows: list[dict[str, str]]
) -> None:
    token = "marked-token-of-the-scraper"
    deployment = make_deployment(metrics_token=token)
    deployment.import_and_publish(marked_rows)
    _, secrets = call_every_route(deployment)
    deployment.app.state.services.outbox.deliver_due(deployment.database, deployment.sender, deployment.clock)
    metrics = deployment.client.get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert 'route="/v1/verifications/{id}/confirm"' in metrics.text
    texts = [*marked_spellings(), MARKED_INPUT, *secrets, token, "account-marked-zelkova", "127.0.0.1"]
    assert_found_nowhere(metrics.content, texts, "the metrics")
    assert token not in repr(deployment.settings) + repr(deployment.app.state.services)


def test_an_unhandled_exception_is_logged_without_its_text(
    deployment: Deployment, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def raise_marked_error(*_: Any, **__: Any) -> None:
        raise RuntimeError(f"about {PHONE}")

    client = deployment.client
    monkeypatch.setattr("app.verification.destination.canonicalize", raise_marked_error)
    response = deployment.request_code(PHONE)
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert_found_nowhere(response.content, [PHONE], "a 500")
    assert client.get("/healthz").status_code == 200
    _, err = capfd.readouterr()
    assert '"event": "unhandled-exception"' in err
    assert '"error": "RuntimeError"' in err
    assert_found_nowhere(err.encode(), [PHONE], "the log")


def test_the_search_finds_planted_values(deployment: Deployment) -> None:
    """The tests above can fail: a value is found in each of the encodings."""
    for encoded in list(encodings_of(PHONE)):
        with pytest.raises(AssertionError):
            assert_found_nowhere(b"before " + encoded + b" after", [PHONE], "a planted value")
    deployment.execute_sql(f"CREATE TABLE planted (note VARCHAR DEFAULT '{EMAIL}', id INTEGER)")
    deployment.execute_sql("INSERT INTO planted (id) VALUES (1)")
    with pytest.raises(AssertionError):
        assert_found_nowhere(dump_database(deployment), [EMAIL], "the database")
