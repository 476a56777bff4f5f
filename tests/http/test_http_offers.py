"""Requests that offer another protocol, as Java's client and `curl --http2` do, are read as they are; what comes behind a body is no header."""

import json
import re
import socket

import pytest
from http_rig import INGEST, Api, body_of, event

LAST = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
OFFERS = (
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n",
    b"Connection: Upgrade\r\nUPGRADE: websocket\r\n",
)


def statuses(api: Api, *pieces: bytes, last: bytes = LAST) -> list[int]:
    """Of the answers to these bytes, each piece sent once the one before is on its way, the last of which ends the connection."""
    host, _, port = api.server.url.rpartition("/")[2].rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in (*pieces, last):
            connection.sendall(piece)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return [int(status) for status in re.findall(rb"HTTP/1.1 ([0-9]{3}) ", answer)]


def posted(name: str, more: bytes, *, is_chunked: bool = False) -> bytes:
    body = json.dumps(body_of([event(name)])).encode()
    if is_chunked:
        more += b"Transfer-Encoding: chunked\r\n"
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    else:
        more += b"Content-Length: %d\r\n" % len(body)
    return b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n%b\r\n%b" % (INGEST.encode(), more, body)


@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize("is_chunked", [False, True])
def test_the_body_of_a_request_that_offers_another_protocol_is_its_body(api: Api, offer: bytes, *, is_chunked: bool) -> None:
    whole = posted("whole", offer, is_chunked=is_chunked)
    torn = posted("torn", offer, is_chunked=is_chunked)
    assert statuses(api, whole) == [202, 200]
    assert statuses(api, torn[:-30], torn[-30:]) == [202, 200]
    assert statuses(api, *(torn[place : place + 1] for place in range(len(torn)))) == [202, 200]
    assert statuses(api, posted("one", offer) + posted("two", offer)) == [202, 202, 200]
    assert {each["event"] for each in api.listed()} == {"whole", "torn", "one", "two"}


def test_no_body_is_read_as_another_request(api: Api) -> None:
    hidden = posted("hidden", b"")
    for more in (b"", *OFFERS):
        head = b"POST %b HTTP/1.1\r\nHost: x\r\n%bContent-Length: %d\r\n\r\n" % (INGEST.encode(), more, len(hidden))
        assert statuses(api, head, hidden) == [400, 200]
    assert api.listed() == []
    assert statuses(api, last=b"CONNECT / HTTP/1.1\r\nHost: x\r\nConnection: close, Upgrade\r\nUpgrade: h2c\r\n\r\n") == [405]


def test_what_comes_behind_a_body_is_no_header(api: Api) -> None:
    asked = b"GET /api/v1/projects HTTP/1.1\r\nHost: x\r\n%bTransfer-Encoding: chunked\r\n\r\n1\r\n \r\n0\r\n%b\r\n"
    credentials = b"Authorization: Bearer sv_dev\r\n"
    assert statuses(api, asked % (credentials, b"X-More: y\r\n")) == [200, 200]
    assert statuses(api, asked % (b"", credentials)) == [401, 200]
