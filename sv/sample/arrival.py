"""How a session begins: by which way somebody comes, and on which page.

Answers for the first page of a session with its referrer and campaign. Assumes a `random.Random` from its
caller; never decides what is done after it.
"""

from enum import Enum
from random import Random

from msgspec import Struct

from sv.sample.catalogue import (
    ARTICLES,
    BARGAIN_PRODUCT,
    CATEGORIES,
    CATEGORY_TITLES,
    PRODUCT_WEIGHTS,
    PRODUCTS,
    Product,
)


class Purpose(Enum):
    """Why the session is in the sample."""

    USUAL = "usual"
    SIGN_UP = "sign up"
    SIGN_IN = "sign in"
    NEWSLETTER = "newsletter"
    BARGAIN = "bargain"


class Arrival(Struct, frozen=True):
    """The first page. `product` is set where it is a product's; `query` begins with its question mark or is
    empty."""

    path: str
    title: str
    query: str = ""
    referrer: str | None = None
    product: Product | None = None


COFFEE_PATH = "/coffee"
HOME = Arrival("/", "Alles für Küche & Kaffee")
COFFEE = Arrival(COFFEE_PATH, "Der Kaffee-Guide")
SALE = Arrival("/sale", "Sale – bis −50 %")

NEWSLETTER_QUERY = "?utm_source=newsletter&utm_medium=email&utm_campaign=kitchen-day"
FORUM = "https://dealhunters.example/t/48213"

CHANNEL_WEIGHTS = {"direct": 24, "organic": 32, "paid": 20, "social": 11, "email": 7, "referral": 6}
SEARCH_ENGINES = ("https://www.google.com/", "https://duckduckgo.com/", "https://www.bing.com/")
NETWORKS = (
    ("https://www.instagram.com/", "?utm_source=instagram&utm_medium=social"),
    ("https://www.pinterest.com/", ""),
)
SITES = ("https://kaffeeblog.example/mokka-tipps", "https://tea-notes.example/kettles?page=2")


def draw_product(rng: Random) -> Product:
    """A product, the popular ones more often."""
    (product,) = rng.choices(PRODUCTS, PRODUCT_WEIGHTS)
    return product


def draw_arrival(rng: Random, purpose: Purpose) -> Arrival:
    """The first page of a session with that purpose."""
    if purpose is Purpose.NEWSLETTER:
        return Arrival(SALE.path, SALE.title, NEWSLETTER_QUERY)
    if purpose is Purpose.BARGAIN:
        return _on_product(BARGAIN_PRODUCT, FORUM)
    (channel,) = rng.choices(tuple(CHANNEL_WEIGHTS), tuple(CHANNEL_WEIGHTS.values()))
    if channel == "direct":
        return HOME if rng.random() < 0.65 else _on_category(rng, None)
    if channel == "organic":
        return _from_search(rng, rng.choices(SEARCH_ENGINES, (80, 12, 8))[0])
    if channel == "paid":
        query = "?utm_source=google&utm_medium=cpc&utm_campaign=coffee-guide"
        if rng.random() < 0.7:
            return Arrival(COFFEE.path, COFFEE.title, query, SEARCH_ENGINES[0])
        return _on_product(draw_product(rng), SEARCH_ENGINES[0], query)
    if channel == "social":
        referrer, query = rng.choices(NETWORKS, (70, 30))[0]
        return _on_product(draw_product(rng), referrer, query)
    if channel == "email":
        return Arrival(SALE.path, SALE.title, "?utm_source=newsletter&utm_medium=email&utm_campaign=weekly")
    return _on_article(rng, rng.choice(SITES))


def _from_search(rng: Random, engine: str) -> Arrival:
    roll = rng.random()
    if roll < 0.45:
        return _on_product(draw_product(rng), engine)
    if roll < 0.7:
        return _on_category(rng, engine)
    if roll < 0.85:
        return Arrival(HOME.path, HOME.title, "", engine)
    return _on_article(rng, engine)


def _on_product(product: Product, referrer: str, query: str = "") -> Arrival:
    return Arrival(f"/p/{product.slug}", product.name, query, referrer, product)


def _on_category(rng: Random, referrer: str | None) -> Arrival:
    category = rng.choice(CATEGORIES)
    return Arrival(f"/c/{category}", CATEGORY_TITLES[category], "", referrer)


def _on_article(rng: Random, referrer: str) -> Arrival:
    path, title = rng.choice(ARTICLES)
    return Arrival(path, title, "", referrer)
