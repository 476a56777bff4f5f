"""What a server says when it is ready: where it is, how to get in, and the next command to type."""

import json
from typing import Final

from sv.cli.credentials import Credentials

README_FUNNEL: Final = {
    "steps": [{"event": "product_viewed"}, {"event": "checkout_started"}, {"event": "purchase_completed"}],
    "date_from": "-60d",
}


def credentials_lines(made: Credentials) -> list[str]:
    """The credentials, a line each."""
    return [
        f"  project        {made.project_id}",
        f"  project token  {made.project_token}   for SDKs: it can only write",
        f"  API token      {made.api_token}   for the query API: it can do everything",
        f"  web login      {made.email}   password {made.password}",
    ]


def send_command(url: str, project_token: str) -> str:
    """A curl that sends one event."""
    body = {"projectToken": project_token, "events": [{"event": "hello", "userId": "me"}]}
    return f"curl {url}/api/v1/ingest/events \\\n  -d '{json.dumps(body)}' -H 'Content-Type: application/json'"


def funnel_command(url: str, made: Credentials) -> str:
    """A curl that asks for the sample's funnel."""
    return (
        f"curl {url}/api/v1/projects/{made.project_id}/insights/funnel \\\n"
        f"  -H 'Authorization: Bearer {made.api_token}' -H 'Content-Type: application/json' \\\n"
        f"  -d '{json.dumps(README_FUNNEL)}'"
    )
