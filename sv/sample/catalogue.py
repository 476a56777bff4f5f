"""What the shop sells and what its pages are called.

Answers for products, categories, searches and page titles, names outside ASCII among them on purpose.
Assumes that paths are already percent-encoded, as a browser reports them; never draws.
"""

from msgspec import Struct

from sv.sample.stories import BARGAIN

ORIGIN = "https://shop.example"
SHOP = "Kessel & Kanne"


class Product(Struct, frozen=True):
    """`price` is in euros. `slug` is the last part of the page's path."""

    id: str
    name: str
    category: str
    slug: str
    price: float

    def price_at(self, age_ms: int) -> float:
        """What the shop asks `age_ms` before the start of today; the bargain's price is wrong during its
        story."""
        if self.id == BARGAIN_ID and BARGAIN.holds(age_ms):
            return BARGAIN_PRICE
        return self.price


BARGAIN_ID = "P-112"
BARGAIN_PRICE = 8.9

PRODUCTS = (
    Product("P-101", "Espressokanne „Nonna“", "coffee", "espressokanne-nonna", 39.0),
    Product("P-102", "Handmühle Grönland", "coffee", "handmuehle-groenland", 119.0),
    Product("P-103", "Filterkaffee-Set für zwei", "coffee", "filterkaffee-set", 54.5),
    Product("P-104", "Café au lait bowl", "coffee", "cafe-au-lait-bowl", 14.9),
    Product("P-105", "Milchkännchen Zoë", "coffee", "milchkaennchen-zoe", 18.5),
    Product("P-106", "Teekanne „Küstennebel“", "tea", "teekanne-kuestennebel", 45.0),
    Product("P-107", "南部鉄器 Nambu tetsubin", "tea", "nambu-tetsubin", 139.0),
    Product("P-108", "Matcha whisk 茶筅", "tea", "matcha-whisk", 22.0),
    Product("P-109", "Çay bardağı, six glasses", "tea", "cay-bardagi", 27.9),
    Product("P-110", "Tea tin „Señor Gris“", "tea", "tea-tin-senor-gris", 11.9),
    Product("P-111", "Kahvipannu Sisu", "kettles", "kahvipannu-sisu", 64.0),
    Product(BARGAIN_ID, "Gooseneck kettle „Ōtani“", "kettles", "gooseneck-kettle-otani", 89.0),
    Product("P-113", "Whistling kettle „Pfiff“", "kettles", "whistling-kettle-pfiff", 49.9),
    Product("P-114", "Żeliwna patelnia 26 cm", "pans", "zeliwna-patelnia", 58.0),
    Product("P-115", "Crêpière Bretonne", "pans", "crepiere-bretonne", 42.5),
    Product("P-116", "Plättpanna", "pans", "plattpanna", 36.0),
    Product("P-117", "Crème-brûlée set", "pans", "creme-brulee-set", 29.9),
    Product("P-118", "Geschirrtuch „Grüße“", "linen", "geschirrtuch-gruesse", 9.5),
    Product("P-119", "Tablecloth Ærø", "linen", "tablecloth-aero", 68.0),
    Product("P-120", "Oven gloves “Hot ’n’ bothered”", "linen", "oven-gloves", 16.9),
)
PRODUCT_WEIGHTS = (12, 5, 8, 9, 6, 8, 3, 6, 5, 7, 5, 6, 7, 5, 5, 3, 5, 8, 3, 5)
BARGAIN_PRODUCT = next(product for product in PRODUCTS if product.id == BARGAIN_ID)

CATEGORY_TITLES = {
    "coffee": "Kaffee ☕",
    "tea": "Tee",
    "kettles": "Wasserkessel",
    "pans": "Pfannen & Töpfe",
    "linen": "Küchenwäsche",
}
CATEGORIES = tuple(CATEGORY_TITLES)

SEARCHES = (
    ("teekanne", "teekanne", 4),
    ("kännchen", "k%C3%A4nnchen", 2),
    ("crêpe", "cr%C3%AApe", 1),
    ("gooseneck kettle", "gooseneck%20kettle", 2),
    ("moka 6 tassen", "moka%206%20tassen", 3),
    ("鉄瓶", "%E9%89%84%E7%93%B6", 1),
    ("żeliwna", "%C5%BCeliwna", 1),
    ("geschenk < 20 €", "geschenk%20%3C%2020%20%E2%82%AC", 7),
    ("induktion", "induktion", 0),
    ("gift card", "gift%20card", 0),
)
"""What people type, the same percent-encoded, and how many products they are shown."""

ARTICLES = (
    ("/magazine/br%C3%BChzeit", "Die richtige Brühzeit"),
    ("/magazine/seasoning-cast-iron", "Seasoning cast iron, step by step"),
    ("/magazine/caf%C3%A9-%C3%A0-la-maison", "Le café à la maison"),
)


def titled(title: str) -> str:
    """The page's title as the browser shows it."""
    return f"{title} – {SHOP}"
