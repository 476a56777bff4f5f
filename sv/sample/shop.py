"""The whole sample: a plan of sessions, the sessions told, exactly so many events in order of time.

Answers for the stated sizes and for determinism: one clock reading and one seed always give the same
events. Assumes nothing else; never reads a clock.
"""

from itertools import accumulate
from random import Random

from sv.model.limits import DAY_MS, HOUR_MS, MAX_TIMESTAMP_MS
from sv.sample.arrival import Purpose
from sv.sample.journey import Odds, Planned, tell
from sv.sample.rhythm import SPAN_MS, Rhythm
from sv.sample.stories import (
    BARGAIN,
    BARGAIN_STRANGERS,
    NEWSLETTER,
    NEWSLETTER_SESSIONS,
    NEWSLETTER_STRANGERS,
)
from sv.sample.visitors import GUESTS, JOINERS, Kind, Visitor, draw_visitors
from sv.sample.wire import WireEvent

EVENT_COUNT = 30_000
PERSON_COUNT = 2_000
DEFAULT_SEED = 7
UNSENT_LEAVES = 1_100
"""Sessions whose `$pageleave` is never sent, about: phones put the browser to sleep first."""

SESSION_DISTANCE_MS = 3 * HOUR_MS
"""At least so far apart do sessions of one visitor begin: further than any session lasts."""

LIVE_WITHIN_MS = (20_000, 150_000, 400_000, 800_000)
"""Sessions that begin so long before the end of the sample, and are still going on."""


def shop_events(now_ms: int, seed: int = DEFAULT_SEED) -> list[WireEvent]:
    """Sixty days of the sample shop, ending at `now_ms` (Unix milliseconds, UTC).

    Exactly `EVENT_COUNT` events of exactly `PERSON_COUNT` distinct ids, ascending by timestamp, each within
    `[now_ms - 60 days, now_ms]`, the last within half a minute of `now_ms`. The same arguments give the
    same events; a `now_ms` whole weeks later gives the same events whole weeks later, any other the same
    stories on another calendar. Raises `ValueError` where the sixty days would begin before 1970 or end
    after the year 9999.
    """
    if not SPAN_MS <= now_ms <= MAX_TIMESTAMP_MS:
        raise ValueError(f"expected {SPAN_MS} to {MAX_TIMESTAMP_MS}, got {now_ms} (now_ms)")
    rng = Random(seed)
    events, leaves = _tell_all(rng, now_ms)
    events.extend(rng.sample(leaves, EVENT_COUNT - len(events)))
    events.sort(key=lambda event: event.timestamp)
    order_number = 20_000
    for event in events:
        if event.event == "purchase_completed":
            order_number += 1
            event.properties["order_id"] = f"K-{order_number}"
    return events


def _tell_all(rng: Random, now_ms: int) -> tuple[list[WireEvent], list[WireEvent]]:
    """Tell sessions until they hold `EVENT_COUNT` events, the leaves among them of all but some.

    The events that must stay, not yet in order, and the leaves to choose the rest from. There are at most
    `EVENT_COUNT` of the former and enough of the latter: the loop ends at a total of `EVENT_COUNT +
    UNSENT_LEAVES` and a last session more, and has by then told a session of each of 1,740 visitors, all but a
    few of which have a leave: more than that surplus.
    """
    schedule = _Schedule(rng, now_ms)
    odds = Odds(rng)
    events: list[WireEvent] = []
    leaves: list[WireEvent] = []
    planned = schedule.first_sessions()
    planned.reverse()
    while len(events) + len(leaves) < EVENT_COUNT + UNSENT_LEAVES:
        told = tell(rng, odds, planned.pop() if planned else schedule.return_visit(), now_ms)
        events.extend(told.events)
        if told.leave is not None:
            leaves.append(told.leave)
    return events, leaves


class _Schedule:
    """Who comes when and why."""

    def __init__(self, rng: Random, now_ms: int) -> None:
        self._rng = rng
        self._now_ms = now_ms
        self._today_ms = now_ms - now_ms % DAY_MS
        self._rhythm = Rhythm(rng, now_ms)
        # A sign-up is never cut off by the end of the sample, or its joiner would be one person short.
        latest_ms = now_ms - SESSION_DISTANCE_MS
        joined_ms = sorted(min(self._rhythm.draw(), latest_ms) for _ in range(JOINERS))
        self._visitors = draw_visitors(rng, joined_ms)
        self._cumulative = list(accumulate(visitor.weight for visitor in self._visitors))
        self._starts: dict[str, list[int]] = {}

    def first_sessions(self) -> list[Planned]:
        """A session for everybody, of guests first those that stories bring, and the newsletter's other
        readers."""
        guests, others = self._visitors[:GUESTS], self._visitors[GUESTS:]
        planned: list[Planned] = []
        for index, visitor in enumerate(guests):
            start_ms, purpose = self._first_of_guest(index)
            planned.append(self._plan(visitor, start_ms, purpose))
        for visitor in others:
            if visitor.kind is Kind.JOINER and visitor.joined_ms is not None:
                planned.append(self._plan(visitor, visitor.joined_ms, Purpose.SIGN_UP))
            else:
                planned.append(self._plan(visitor, self._rhythm.draw(), Purpose.SIGN_IN))
        readers = self._rng.sample(others, NEWSLETTER_SESSIONS - NEWSLETTER_STRANGERS)
        for visitor in readers:
            start_ms = self._letter_opened_ms()
            if self._is_free(visitor, start_ms):
                planned.append(self._plan(visitor, start_ms, Purpose.NEWSLETTER))
        return planned

    def return_visit(self) -> Planned:
        """One more session of somebody, of those who come often more often, usually some days from another
        of theirs."""
        # Ends: 1,740 visitors have hundreds of free hours each and are given two visits on average.
        while True:
            (visitor,) = self._rng.choices(self._visitors, cum_weights=self._cumulative)
            start_ms = self._rhythm.draw_near(self._rng.choice(self._starts[visitor.devices[0].anonymous_id]))
            if self._is_free(visitor, start_ms):
                return self._plan(visitor, start_ms, Purpose.USUAL)

    def _first_of_guest(self, index: int) -> tuple[int, Purpose]:
        if index < len(LIVE_WITHIN_MS):
            return self._now_ms - LIVE_WITHIN_MS[index], Purpose.USUAL
        index -= len(LIVE_WITHIN_MS)
        if index < BARGAIN_STRANGERS:
            begin_ms = self._today_ms - int(BARGAIN.begins * DAY_MS)
            # The forum needs two hours to find it, and all are early enough to be done before the price is
            # mended.
            return begin_ms + int(self._rng.uniform(2, 20) * HOUR_MS), Purpose.BARGAIN
        if index < BARGAIN_STRANGERS + NEWSLETTER_STRANGERS:
            return self._letter_opened_ms(), Purpose.NEWSLETTER
        return self._rhythm.draw(), Purpose.USUAL

    def _letter_opened_ms(self) -> int:
        """Most open a letter within hours; nobody does after the story's end."""
        length_ms = (NEWSLETTER.begins - NEWSLETTER.ends) * DAY_MS
        opened_ms = self._rng.expovariate(1.0 / (7 * HOUR_MS)) % length_ms
        return self._today_ms - int(NEWSLETTER.begins * DAY_MS) + int(opened_ms)

    def _is_free(self, visitor: Visitor, start_ms: int) -> bool:
        starts = self._starts[visitor.devices[0].anonymous_id]
        return all(abs(start_ms - other_ms) >= SESSION_DISTANCE_MS for other_ms in starts)

    def _plan(self, visitor: Visitor, start_ms: int, purpose: Purpose) -> Planned:
        self._starts.setdefault(visitor.devices[0].anonymous_id, []).append(start_ms)
        return Planned(visitor, self._rng.choice(visitor.devices), start_ms, purpose)
