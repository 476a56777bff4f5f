"""Bytes that are no HTTP request get the contract's error shape too."""

import json
import socket

import pytest
from http_rig import Api


@pytest.mark.parametrize(
    "sent", [b"nonsense\r\n\r\n", b"GET /\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"]
)
def test_what_is_no_request_is_a_400_in_json(full: Api, sent: bytes) -> None:
    host, _, port = full.server.url.rpartition("/")[2].rpartition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(sent)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/json" in head
    assert json.loads(body)["code"] == "INVALID_PARAMETER"


@pytest.mark.parametrize("host", ["a b", "x/y", "é"])
def test_a_host_that_is_none_is_a_400_that_shows_it(full: Api, host: str) -> None:
    answer = full.http.get(full.path("events"), headers={"Host": host.encode("latin-1")})
    assert answer.status_code == 400
    assert answer.json() == {
        "error": f"expected a host's name or address, got {json.dumps(host, ensure_ascii=False)} (Host)",
        "code": "INVALID_PARAMETER",
    }
