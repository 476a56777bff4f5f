"""Which of a client's properties enrichment looks at."""

from typing import Final

LOOKED_AT: Final = (
    "$current_url",
    "$referrer",
    "$referring_domain",
    "$browser",
    "$browser_version",
    "$os",
    "$device_type",
    "$country",
    "$is_bot",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
)

IS_BOT: Final = "$is_bot"
"""The one of them that is no text."""
