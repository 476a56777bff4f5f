"""What is wrong with a request for what a project's pages are to do."""

from collections.abc import Iterator

from bad_input import Bad

CONFIG = "/api/v1/ingest/config"


def cases() -> Iterator[Bad]:
    yield Bad("config: no token", "GET", CONFIG, 400, "token")
    yield Bad("config: an empty token", "GET", f"{CONFIG}?token=", 400, "token")
    yield Bad("config: two tokens", "GET", f"{CONFIG}?token=sv_pub_dev&token=sv_pub_dev", 400, "token")
    yield Bad("config: another parameter", "GET", f"{CONFIG}?token=sv_pub_dev&project=dev", 400, "project", "project")
    yield Bad("config: too many parameters", "GET", f"{CONFIG}?{'&'.join(['token=x'] * 51)}", 400, "token", "50")
    yield Bad("config: a very long query", "GET", f"{CONFIG}?token={'x' * 60_000}", 401, "token")
    for token in ("sv_pub_nobody", "sv_dev", "sv_pub_DEV", "%ff", "%00"):
        yield Bad(f"config: the token {token}", "GET", f"{CONFIG}?token={token}", 401, "token")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        yield Bad(f"config: {method}", method, f"{CONFIG}?token=sv_pub_dev", 405, None, method)
