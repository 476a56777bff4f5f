"""What happens in one session.

Answers for the events between somebody's first page and their last, and for what the stories do to them.
Assumes a plan (who, when, why) from `shop`; never emits an event after the end of the sample: a session
that is still going on then is cut off there, as it would be on a real server.
"""

from math import exp
from random import Random

from msgspec import Struct

from sv.model.limits import DAY_MS
from sv.sample.arrival import COFFEE_PATH, HOME, Arrival, Purpose, draw_arrival, draw_product
from sv.sample.catalogue import (
    ARTICLES,
    CATEGORIES,
    CATEGORY_TITLES,
    ORIGIN,
    SEARCHES,
    Product,
    titled,
)
from sv.sample.stories import (
    FROM_FORUM,
    FROM_NEWSLETTER,
    GUIDE_PRODUCT_RATE,
    MEMBER,
    PHONES,
    PROVIDER,
    SWITCHERS,
    USUAL,
    Rates,
    guide_share,
)
from sv.sample.visitors import Device, Kind, Visitor, draw_uuid
from sv.sample.wire import WireEvent

GAP_MU, GAP_SIGMA = 4.29, 1.28
"""Lognormal of the seconds between two pages; the package's docstring says where it comes from."""
GAP_MIN_S, GAP_MAX_S = 2.0, 1_500.0
"""Below the thirty minutes that end a session, so that derived sessions would equal the ones sent."""
HURRY_AFTER_S, HURRY_GAP_S = 3_600.0, 15.0
"""After an hour people hurry, so that no session lasts two: sessions of one person begin further apart than
that."""

PRODUCT_COUNTS = (1, 2, 3, 4, 5, 6, 8, 12)
PRODUCT_COUNT_WEIGHTS = (37, 24, 15, 9, 6, 5, 3, 1)
STAY_WITHOUT_PRODUCT = 0.3
"""Share of those not bound for a product who open one more page, after each page; at most `BROWSED_MAX` of
them."""
BROWSED_MAX = 10
SHIPPING_EUR, SHIPPING_FREE_FROM_EUR = 4.9, 50.0
DECLINED_SHARE = 0.12
PAYS_AT_SECOND_TRY = 0.6
GOLDEN = 0.6180339887498949

PAYMENT_METHODS = (("card", 0.58), ("paypal", 0.86), ("invoice", 1.0))
"""Each with the share of payments by it and by those before it."""


class Planned(Struct, frozen=True, eq=False):
    """A session to be told: `device` is one of the visitor's, `start_ms` is Unix milliseconds."""

    visitor: Visitor
    device: Device
    start_ms: int
    purpose: Purpose


class Told(Struct, frozen=True):
    """A session's events in order, at least one, and the `$pageleave` that a browser may or may not manage
    to send after them; None where the session is still going on."""

    events: list[WireEvent]
    leave: WireEvent | None


class Odds:
    """Decides how many sessions go how far.

    Not coin tosses but golden-ratio (additive recurrence) sequences, one a key: of n decisions in a row, n
    times the rate fall to yes, give or take one or two. So a story that hangs on twenty sessions shows for
    every seed.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._state: dict[str, float] = {}  # bounded: keys name a decision of this module, a device, a purpose

    def draw(self, key: str) -> float:
        """The next number of that key's sequence, from 0 inclusive to 1 exclusive."""
        if key not in self._state:
            self._state[key] = self._rng.random()
        state = self._state[key] = (self._state[key] + GOLDEN) % 1.0
        return state

    def hit(self, key: str, rate: float) -> bool:
        """Whether the next decision of that key falls to yes."""
        return self.draw(key) < rate


class Journey:
    """One session while it is told: a clock that only goes forward, and what was emitted so far."""

    def __init__(self, rng: Random, odds: Odds, planned: Planned, now_ms: int) -> None:
        self.rng = rng
        self.odds = odds
        self.visitor = planned.visitor
        self.purpose = planned.purpose
        self.device = planned.device
        self.start_ms = planned.start_ms
        self.at_ms = planned.start_ms
        self.now_ms = now_ms
        self.today_ms = now_ms - now_ms % DAY_MS
        self.session_id = draw_uuid(rng)
        joined_ms = planned.visitor.joined_ms
        self.is_signed_in = joined_ms is not None and joined_ms < planned.start_ms
        self.url = ""
        self.referrer: str | None = None
        self.events: list[WireEvent] = []

    @property
    def age_ms(self) -> int:
        """How long before the start of today (`stories`) the session's clock stands."""
        return self.today_ms - self.at_ms

    @property
    def device_type(self) -> str:
        return str(self.device.properties["$device_type"])

    def pause(self, from_ms: int, to_ms: int) -> None:
        """Let a moment pass, from inclusive to exclusive."""
        self.at_ms += self.rng.randrange(from_ms, to_ms)

    def wait(self) -> None:
        """Let somebody read a page."""
        gap_s = exp(self.rng.normalvariate(GAP_MU, GAP_SIGMA))
        is_late = self.at_ms - self.start_ms > HURRY_AFTER_S * 1_000
        gap_s = min(max(gap_s, GAP_MIN_S), HURRY_GAP_S if is_late else GAP_MAX_S)
        self.at_ms += int(gap_s * 1_000)

    def page(self, path: str, title: str, extra: dict[str, object] | None = None) -> None:
        """Read the page that is open to the end, then open another."""
        if self.url:
            self.wait()
        self.show(path, title, extra)

    def show(self, path: str, title: str, extra: dict[str, object] | None = None) -> None:
        """Open a page now; the one before it becomes the referrer."""
        self.url = ORIGIN + path
        properties = {"$current_url": self.url, "$title": titled(title)}
        if self.referrer is not None:
            properties["$referrer"] = self.referrer
        self._emit("$pageview", {**self.device.properties, **properties, **(extra or {})})
        self.referrer = self.url

    def act(self, event: str, properties: dict[str, object], after_ms: tuple[int, int] = (90, 900)) -> None:
        """Do something on the page that is open, a moment (`after_ms`) after what was done before."""
        self.pause(*after_ms)
        self._emit(event, {**self.device.properties, "$current_url": self.url, **properties})

    def identify(self) -> None:
        """From here on the events are the identified person's."""
        self.is_signed_in = True
        self.pause(90, 900)
        self._emit("$identify", {**self.device.properties, **self.visitor.traits})

    def told(self) -> Told:
        """The session so far, and the moment of leaving its last page."""
        seen_ms = self.at_ms
        self.wait()
        if self.at_ms > self.now_ms:
            return Told(self.events, None)
        seconds = round((self.at_ms - seen_ms) / 1_000, 1)
        properties = {**self.device.properties, "$current_url": self.url, "seconds_on_page": seconds}
        return Told(self.events, self._event("$pageleave", properties))

    def _emit(self, event: str, properties: dict[str, object]) -> None:
        if self.at_ms <= self.now_ms:
            self.events.append(self._event(event, properties))

    def _event(self, event: str, properties: dict[str, object]) -> WireEvent:
        user_id = self.visitor.user_id if self.is_signed_in else None
        groups = self.visitor.groups if self.is_signed_in else None
        return WireEvent(event, self.at_ms, self.device.anonymous_id, self.session_id, properties, user_id, groups)


def tell(rng: Random, odds: Odds, planned: Planned, now_ms: int) -> Told:
    """The events of one planned session. `planned.start_ms` is at most `now_ms`, so that there is at least
    one."""
    journey = Journey(rng, odds, planned, now_ms)
    arrival = draw_arrival(rng, planned.purpose)
    version = _arrive(journey, arrival)
    rates = _rates(journey)
    key = planned.purpose.value
    sees_product = arrival.product is not None
    if version is not None:
        sees_product = odds.hit(f"product {version}", GUIDE_PRODUCT_RATE[version])
    elif not sees_product:
        sees_product = odds.hit(f"product {key}", rates.product)
    if not sees_product:
        _make_known(journey)
        for _ in range(BROWSED_MAX):
            if rng.random() >= STAY_WITHOUT_PRODUCT:
                break
            _browse(journey)
        return journey.told()
    fills_cart = odds.hit(f"cart {key}", rates.cart)
    cart = _look_at_products(journey, arrival, fills_cart)
    if not cart:
        return journey.told()
    checks_out = odds.hit(f"checkout {key}", rates.checkout)
    if checks_out or rng.random() < 0.6:
        journey.page("/cart", "Warenkorb")
    if checks_out:
        _check_out(journey, cart, rates.buy)
    return journey.told()


def _rates(journey: Journey) -> Rates:
    if journey.purpose is Purpose.NEWSLETTER:
        return FROM_NEWSLETTER
    if journey.purpose is Purpose.BARGAIN:
        return FROM_FORUM
    return USUAL if journey.visitor.kind is Kind.GUEST else MEMBER


def _arrive(journey: Journey, arrival: Arrival) -> str | None:
    """Open the first page. The version of the coffee page that was shown, None on any other."""
    journey.referrer = arrival.referrer
    if arrival.path != COFFEE_PATH:
        journey.page(arrival.path + arrival.query, arrival.title)
        return None
    version = "guide" if journey.rng.random() < guide_share(journey.age_ms) else "classic"
    journey.page(arrival.path + arrival.query, arrival.title, {"page_version": version})
    return version


def _make_known(journey: Journey) -> None:
    """Sign up or in where the session is there for it: after the first product, or at once where there is
    none."""
    if journey.purpose is Purpose.SIGN_IN:
        journey.page("/account", "Mein Konto")
        journey.identify()
    if journey.purpose is not Purpose.SIGN_UP:
        return
    journey.page("/signup", "Konto anlegen")
    journey.wait()
    journey.identify()
    (method,) = journey.rng.choices(("email", "google", "apple"), (70, 20, 10))
    journey.act("signed_up", {"method": method, "plan": journey.visitor.traits["plan"]})


def _browse(journey: Journey) -> None:
    """One page on the way to a product, or to nothing."""
    rng = journey.rng
    roll = rng.random()
    if roll < 0.55:
        category = rng.choice(CATEGORIES)
        journey.page(f"/c/{category}", CATEGORY_TITLES[category])
    elif roll < 0.85:
        query, encoded, result_count = rng.choice(SEARCHES)
        journey.page(f"/search?q={encoded}", f"Suche: {query}")
        journey.act("searched", {"query": query, "result_count": result_count})
    elif roll < 0.93:
        journey.page(HOME.path, HOME.title)
    else:
        journey.page(*rng.choice(ARTICLES))


def _look_at_products(journey: Journey, arrival: Arrival, fills_cart: bool) -> list[tuple[Product, float, int]]:
    """View products, the first of them on the page of arrival where that is one. What is in the cart then:
    product, price, quantity; empty exactly where `fills_cart` is false."""
    rng = journey.rng
    cart: dict[str, tuple[Product, float, int]] = {}
    (count,) = rng.choices(PRODUCT_COUNTS, PRODUCT_COUNT_WEIGHTS)
    if journey.purpose is Purpose.BARGAIN:
        count = 1
    for index in range(count):
        product = arrival.product if index == 0 else None
        if product is None:
            if rng.random() < 0.6:
                _browse(journey)
            product = draw_product(rng)
            journey.page(f"/p/{product.slug}", product.name)
        price = product.price_at(journey.age_ms)
        facts: dict[str, object] = {
            "product_id": product.id,
            "product": product.name,
            "category": product.category,
            "price": price,
        }
        journey.act("product_viewed", facts)
        if fills_cart and (index == count - 1 or rng.random() < 0.25):
            quantity = rng.choices((1, 2, 4), (82, 14, 4))[0]
            journey.act("added_to_cart", {**facts, "quantity": quantity}, (4_000, 60_000))
            cart[product.id] = (product, price, quantity)
        if index == 0:
            _make_known(journey)
    return list(cart.values())


def _check_out(journey: Journey, cart: list[tuple[Product, float, int]], buy_rate: float) -> None:
    rng = journey.rng
    value = round(sum(price * quantity for _, price, quantity in cart), 2)
    shipping = 0.0 if value >= SHIPPING_FREE_FROM_EUR else SHIPPING_EUR
    started: dict[str, object] = {
        "value": value,
        "currency": "EUR",
        "item_count": sum(quantity for _, _, quantity in cart),
    }
    journey.page("/checkout", "Kasse")
    journey.act("checkout_started", started)
    if not journey.odds.hit(f"buy {journey.device_type} {journey.purpose.value}", buy_rate):
        if rng.random() < 0.5:
            journey.page("/checkout/payment", "Zahlung")
        return
    method = _pay(journey, started)
    if method is None:
        return
    journey.pause(800, 5_000)
    journey.show("/checkout/thanks", "Danke!")
    purchase: dict[str, object] = {
        "order_id": "",  # numbered by `shop` in the order of time
        "revenue": round(value + shipping, 2),
        "shipping": shipping,
        "currency": "EUR",
        "payment_method": method,
        "items": [{"product_id": product.id, "price": price, "quantity": quantity} for product, price, quantity in cart],
    }
    journey.act("purchase_completed", purchase)


def _pay(journey: Journey, started: dict[str, object]) -> str | None:
    """How somebody who wants to buy has paid; None where they could not."""
    rng = journey.rng
    journey.page("/checkout/payment", "Zahlung")
    journey.pause(15_000, 90_000)
    if journey.device_type == "Mobile" and PHONES.holds(journey.age_ms):
        for _ in range(rng.randrange(1, 4)):
            journey.pause(3_000, 25_000)
            journey.show("/checkout", "Kasse")
            journey.act("checkout_started", started)
        return None
    choice = journey.odds.draw("method")
    method = next(name for name, share_up_to in PAYMENT_METHODS if choice < share_up_to)
    if method == "card" and PROVIDER.holds(journey.age_ms):
        for _ in range(rng.randrange(2, 5)):
            _fail(journey, "provider_timeout", method, started)
        return "paypal" if journey.odds.hit("switch", SWITCHERS) else None
    if method != "invoice" and rng.random() < DECLINED_SHARE:
        _fail(journey, "declined", method, started)
        return method if rng.random() < PAYS_AT_SECOND_TRY else None
    return method


def _fail(journey: Journey, reason: str, method: str, started: dict[str, object]) -> None:
    properties: dict[str, object] = {
        "reason": reason,
        "payment_method": method,
        "value": started["value"],
        "currency": started["currency"],
    }
    journey.act("payment_failed", properties, (4_000, 20_000))
