"""Nothing of a person stands where it does not belong: not in the database, not in the logs, not in an error, not in a repr.

Every route is driven with marked values, and then all that came out is searched for them, in every encoding that one could think of.
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
STRAY = "marked-stray-input-7391"

VALUES = {"email": EMAIL, "phone": PHONE, "name": NAME, "address": ADDRESS}


def encodings(text: str) -> Iterator[bytes]:
    """Every form of *text* that a look must not find."""
    for raw in (text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be"), json.dumps(text)[1:-1].encode()):
        yield raw
        yield raw.hex().encode()
        yield raw.hex().upper().encode()
        for cut in range(3):  # base64 at each of its three alignments, without what the neighbours decide
            coded = base64.b64encode(b"\0" * cut + raw)
            yield coded[4 if cut else 0 : -4]
        yield base64.urlsafe_b64encode(raw).rstrip(b"=")
        for algorithm in ("md5", "sha1", "sha256"):
            hashed = hashlib.new(algorithm, raw, usedforsecurity=False).digest()
            yield hashed
            yield hashed.hex().encode()
            yield base64.b64encode(hashed).rstrip(b"=")


def spellings() -> Iterator[str]:
    """The marked values as they were written, in canonical form, and in between."""
    for kind, text in VALUES.items():
        yield text
        yield text.lower()
        yield canonicalize(kind, text)  # type: ignore[arg-type]
    yield PHONE.replace("-", "")
    yield "58273694"


def assert_found_nowhere(output: bytes, texts: list[str], where: str) -> None:
    for text in texts:
        for coded in encodings(text):
            if len(coded) >= 6:
                assert coded not in output, f"{where} holds a marked value"


def dump_database(deployment: Deployment) -> bytes:
    """All that stands in the database: the files themselves, and every column of every row."""
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
    rows = [value for (name,) in names for found in deployment.execute_sql(f'SELECT * FROM "{name}"') for value in found]
    return files + script + b"\n".join(_bytes(value) for value in rows)


def _bytes(value: Any) -> bytes:
    match value:
        case bytes() | memoryview():
            return bytes(value) + b"\n" + bytes(value).hex().encode()
        case dict() | list():
            return json.dumps(value, ensure_ascii=False).encode()
        case _:
            return str(value).encode()


def drive_everything(deployment: Deployment) -> tuple[list[str], list[str]]:
    """Walk the journey and every wrong turn; gives the error bodies, and the codes, secrets and tokens used."""
    client = deployment.client
    errors: list[str] = []
    secrets: list[str] = []
    headers: dict[str, str] = {}
    for identifier in (EMAIL, PHONE):
        asked = deployment.request_code(identifier)
        deployment.clock.advance(minutes=1)
        again = client.post(
            f"/v1/verifications/{asked.json()['id']}/resend", json={"client_secret": asked.json()["client_secret"]}
        )
        old, new = (message.code for message in deployment.deliver_outbox())
        secrets += [old, new, asked.json()["client_secret"]]
        errors.append(deployment.confirm_code(again, old).text)
        confirmed = deployment.confirm_code(again, new, headers)
        secrets.append(confirmed.json()["access_token"])
        headers = {"Authorization": f"Bearer {secrets[-1]}"}
        errors.append(deployment.confirm_code(again, new).text)
    deployment.request_code("010-5827-0000")  # one that is never delivered
    (exposure,) = client.get("/v1/exposures", headers=headers).json()["exposures"]
    for kind, value in VALUES.items():
        client.post("/v1/exposures/check", headers=headers, json={"kind": kind, "value": value})
        errors.append(client.post("/v1/exposures/check", headers=headers, json={"kind": kind, "value": [value]}).text)
        errors.append(client.post("/v1/exposures/check", headers=headers, json={"kind": value, "value": "\0"}).text)
        errors.append(client.post("/v1/exposures/check", headers=headers, json={value: value}).text)
        errors.append(client.post("/v1/verifications", json={"channel": value, "identifier": STRAY + value}).text)
        errors.append(client.post("/v1/verifications", json={"channel": "sms", "identifier": STRAY + value}).text)
        errors.append(client.post("/v1/verifications", content=value.encode()).text)
        for path in (f"/{value}", f"/v1/incidents/{value}/notice", f"/v1/verifications/{value}/confirm"):
            errors.append(client.post(path, json={"code": value, "client_secret": value}).text)
            errors.append(client.get(path, params={"locale": value, "q": value}).text)
        errors.append(client.get("/v1/exposures", headers={"Authorization": f"Bearer {value.encode().hex()}"}).text)
        errors.append(client.request("DELETE", "/v1/session", params={"token": value}).text)
    body = {"exposure_id": exposure["id"], "notice_version": 1, "locale": "en"}
    assert client.post("/v1/acknowledgements", headers=headers, json=body).status_code == 201
    errors.append(client.post("/v1/acknowledgements", headers=headers, json=body | {"exposure_id": STRAY}).text)
    return errors, secrets


@pytest.fixture
def people() -> list[dict[str, str]]:
    values = {"email": EMAIL, "phone": PHONE, "name": NAME, "address": ADDRESS}
    return [
        make_row("account-marked-zelkova", **values, items="name|email|phone|address", cohort="profile-edit"),
        make_row("other", email="other@example.com", phone=PHONE.replace("010", "011"), items="email"),
    ]


def test_the_database_holds_nothing_that_was_used(deployment: Deployment, people: list[dict[str, str]]) -> None:
    deployment.import_and_publish(people)
    before = dump_database(deployment)
    assert_found_nowhere(before, [*spellings(), "account-marked-zelkova"], "the database after an import")
    _, secrets = drive_everything(deployment)
    texts = [*spellings(), "account-marked-zelkova", *secrets]
    assert_found_nowhere(dump_database(deployment), texts, "the database after a journey")


def test_logs_and_errors_hold_nothing_that_was_used(
    deployment: Deployment, people: list[dict[str, str]], capfd: pytest.CaptureFixture[str]
) -> None:
    deployment.import_and_publish(people)
    errors, secrets = drive_everything(deployment)
    texts = [*spellings(), STRAY, *secrets]
    assert_found_nowhere("\n".join(errors).encode(), texts, "an error body")
    out, err = capfd.readouterr()
    assert '"route": "/v1/verifications/{id}/confirm"' in err
    assert_found_nowhere((out + err).encode(), texts, "the log")


def test_the_metrics_hold_nothing_that_was_used(
    make_deployment: Callable[..., Deployment], people: list[dict[str, str]]
) -> None:
    token = "marked-token-of-the-scraper"
    deployment = make_deployment(metrics_token=token)
    deployment.import_and_publish(people)
    _, secrets = drive_everything(deployment)
    deployment.app.state.services.outbox.deliver_due(deployment.database, deployment.sender, deployment.clock)
    scraped = deployment.client.get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert 'route="/v1/verifications/{id}/confirm"' in scraped.text
    texts = [*spellings(), STRAY, *secrets, token, "account-marked-zelkova", "127.0.0.1"]
    assert_found_nowhere(scraped.content, texts, "the metrics")
    assert token not in repr(deployment.settings) + repr(deployment.app.state.services)


def test_an_unforeseen_error_is_logged_without_its_text(
    deployment: Deployment, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: Any, **__: Any) -> None:
        raise RuntimeError(f"about {PHONE}")

    client = deployment.client
    monkeypatch.setattr("app.verification.destination.canonicalize", explode)
    answer = deployment.request_code(PHONE)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert_found_nowhere(answer.content, [PHONE], "a 500")
    assert client.get("/healthz").status_code == 200
    _, err = capfd.readouterr()
    assert '"event": "unhandled-exception"' in err
    assert '"error": "RuntimeError"' in err
    assert_found_nowhere(err.encode(), [PHONE], "the log")


def test_the_search_would_find_what_leaked(deployment: Deployment) -> None:
    """The tests above can fail: a value that does lie there is found, in each of the encodings."""
    for coded in list(encodings(PHONE)):
        with pytest.raises(AssertionError):
            assert_found_nowhere(b"before " + coded + b" after", [PHONE], "a planted value")
    deployment.execute_sql(f"CREATE TABLE planted (note VARCHAR DEFAULT '{EMAIL}', id INTEGER)")
    deployment.execute_sql("INSERT INTO planted (id) VALUES (1)")
    with pytest.raises(AssertionError):
        assert_found_nowhere(dump_database(deployment), [EMAIL], "the database")
