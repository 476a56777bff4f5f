"""Asking for a place to upload a chunk to, and uploading it, as a browser would."""

from collections.abc import Mapping
from typing import Any

import httpx
from http_rig import Api

INGEST_RECORDINGS = "/api/v1/ingest/recordings"
OBJECTS = "/api/v1/objects/"
JSON = {"Content-Type": "application/json"}


def asked(session: str = "s-1", index: int = 0, size: int = 2, /, **fields: Any) -> dict[str, Any]:
    """The body of a request; a field given as `...` is left out."""
    whole = {"projectToken": "sv_pub_dev", "sessionId": session, "chunkIndex": index, "sizeBytes": size, **fields}
    return {name: value for name, value in whole.items() if value is not ...}


def ask(api: Api, session: str = "s-1", index: int = 0, size: int = 2, /, **fields: Any) -> dict[str, Any]:
    """Where the chunk may be uploaded."""
    answer = api.http.post(INGEST_RECORDINGS, json=asked(session, index, size, **fields), headers={"Authorization": ""})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def put(api: Api, url: str, content: Any, headers: Mapping[str, str] | None = JSON) -> httpx.Response:
    """PUT to a URL that is taken as it is, by somebody without credentials."""
    return api.http.put(url, content=content, headers={"Authorization": "", **(headers or {})})


def upload(api: Api, content: bytes, session: str = "s-1", index: int = 0, /, **fields: Any) -> dict[str, Any]:
    """A chunk that has to be taken. Returns what was answered to the request for its URL."""
    place = ask(api, session, index, len(content), **fields)
    answer = put(api, place["uploadUrl"], content, place["headers"])
    assert answer.status_code == 200, answer.text
    return place


def recording(api: Api, session: str = "s-1", **parameters: Any) -> httpx.Response:
    """The answer to who asks for a session's recording."""
    encoded = "".join(f"%{byte:02X}" for byte in session.encode("utf-8", "surrogatepass"))
    return api.http.get(api.path(f"sessions/{encoded}/recording"), params=parameters)


def chunks(api: Api, session: str = "s-1", **parameters: Any) -> list[dict[str, Any]]:
    answer = recording(api, session, **parameters)
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"chunks"}
    found: list[dict[str, Any]] = answer.json()["chunks"]
    return found


def download(api: Api, chunk: Mapping[str, Any]) -> bytes:
    answer = api.http.get(chunk["url"], headers={"Authorization": ""})
    assert answer.status_code == 200, answer.text
    return answer.content
