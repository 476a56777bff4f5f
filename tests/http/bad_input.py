"""What a case of the table of bad input is, and what every refusal has in common."""

from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.http.status_codes import STATUS_CODES


@dataclass(frozen=True)
class Bad:
    """A request that must be refused.

    names: the field that the error must name, by its path; shows: the value, or the part of it, that it must repeat.
    Both are compared as they stand in the error's text.
    """

    title: str
    method: str
    path: str
    status: int
    names: str | None = None
    shows: str | None = None
    sent: dict[str, Any] = field(default_factory=dict[str, Any])

    def __str__(self) -> str:
        return self.title


def shown(value: object) -> str | None:
    """How a value must be found in an error: text and numbers as they are; of anything else its kind is enough."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return None if "e" in str(value) else str(value)
    if isinstance(value, str) and value.isprintable():
        return value[:40]
    return None


def error_of(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The body of a refusal, checked against the shape that all of them share."""
    text = answer.text
    assert answer.status_code == status, text[:500]
    assert answer.headers["content-type"].split(";")[0] == "application/json"
    assert "<html" not in text.lower()
    assert "Traceback" not in text
    body: dict[str, Any] = answer.json()
    assert body["code"] == STATUS_CODES[status]
    assert isinstance(body["error"], str)
    assert body["error"].strip()
    assert len(text) < 20_000, "an error is no echo of the request"
    if status == 422 and "errors" in body:
        assert body.keys() == {"error", "code", "status", "accepted", "rejected", "errors"}
        assert body["accepted"] == 0
        assert body["rejected"] == len(body["errors"]) > 0
    elif status == 422:
        assert body.keys() == {"error", "code", "details"}
        assert body["details"]
        assert all(detail.keys() == {"field", "message"} for detail in body["details"])
    else:
        assert body.keys() == {"error", "code"}
    return body


def check_refusal(answer: httpx.Response, case: Bad) -> None:
    body = error_of(answer, case.status)
    if case.names is not None:
        assert case.names in body["error"]
        if "details" in body:
            assert case.names in [detail["field"] for detail in body["details"]]
    if case.shows is not None:
        assert case.shows in body["error"].replace('\\"', '"').replace("\\\\", "\\")
