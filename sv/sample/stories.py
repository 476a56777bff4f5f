"""What is planted in the sample, and when.

Answers for the spans of the five stories and for the odds of a session, in a story and outside one. Spans
count in days before today (the UTC day in which the sample ends), so that a query from `-12d` to `-10d`
cuts out a story as it was planted, whenever the sample was made. An instant's age is its distance to the
start of today; today's own are below zero. Assumes nothing; never draws.
"""

from msgspec import Struct

from sv.model.limits import DAY_MS


class Span(Struct, frozen=True):
    """From the start of the day `begins` days ago to the start of the one `ends` days ago, half-open.

    So `Span(12, 9)` is three whole days, `-12d`, `-11d` and `-10d`; fractions are hours.
    """

    begins: float
    ends: float

    def holds(self, age_ms: int) -> bool:
        """Whether an instant `age_ms` before the start of today lies in the span."""
        return self.ends * DAY_MS < age_ms <= self.begins * DAY_MS


class Rates(Struct, frozen=True):
    """How far sessions go. Each is the share of those that came as far as the step before."""

    product: float
    """Sees a product, among sessions that did not begin on a product's page."""
    cart: float
    checkout: float
    buy: float


PHONES = Span(begins=12, ends=9)
"""A release breaks the pay button on phones: it does nothing, people press it again, nobody can buy."""

NEWSLETTER = Span(begins=19.75, ends=18.25)
"""A newsletter goes out at six in the morning: within a day and a half `NEWSLETTER_SESSIONS` come through
it, and few of them buy."""

PROVIDER = Span(begins=34, ends=32)
"""The card processor times out: every card payment fails, PayPal and invoices work, some people change
over."""

BARGAIN = Span(begins=47, ends=46)
"""A price is typed without its last digit's place, 8.90 for 89.00: a deal forum finds it, and buys."""

LANDING = Span(begins=35, ends=14)
"""The coffee guide's new page is given to ever more visitors, from none of them to all, and lifts product
views."""

NEWSLETTER_SESSIONS = 150
NEWSLETTER_STRANGERS = 70
BARGAIN_STRANGERS = 45
SWITCHERS = 0.25
"""Of those whose card fails while the processor is down, the share that pays by PayPal instead."""

USUAL = Rates(product=0.56, cart=0.44, checkout=0.66, buy=0.62)
MEMBER = Rates(product=0.66, cart=0.49, checkout=0.68, buy=0.66)
FROM_NEWSLETTER = Rates(product=0.6, cart=0.25, checkout=0.5, buy=0.5)
FROM_FORUM = Rates(product=1.0, cart=0.85, checkout=0.9, buy=0.8)

GUIDE_PRODUCT_RATE = {"classic": 0.36, "guide": 0.66}
"""Sessions that begin on the coffee page and go on to a product, by the page's version."""


def guide_share(age_ms: int) -> float:
    """The share of the coffee page's visitors who get its new version: 0 before the story, 1 after it, a
    ramp between."""
    age_days = age_ms / DAY_MS
    return min(1.0, max(0.0, (LANDING.begins - age_days) / (LANDING.begins - LANDING.ends)))
