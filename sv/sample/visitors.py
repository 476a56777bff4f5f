"""Who comes to the shop.

Answers for the people behind the sample: what they are to the product, the devices they use, where they are
and what they are called. Assumes a `random.Random` from its caller; never decides when they come.

A person, as the product counts, is a distinct id: the user id of an event, or its anonymous id where there
is none, and identity is forward-only. So the 2,000 persons are 1,740 people:

    1,240 guests    never sign in: one anonymous person each
      260 joiners   sign up during the sixty days: an anonymous person before it and an identified one after
      it 240 members   were customers before: one identified person each, on one device or two
"""

from enum import Enum
from random import Random

from msgspec import Struct

GUESTS = 1_240
JOINERS = 260
MEMBERS = 240
PERSONS = GUESTS + 2 * JOINERS + MEMBERS


class Kind(Enum):
    GUEST = "guest"
    JOINER = "joiner"
    MEMBER = "member"


class Device(Struct, frozen=True):
    """A browser on a device, and the anonymous id that it keeps."""

    anonymous_id: str
    properties: dict[str, object]


class Visitor(Struct, frozen=True, eq=False):
    """One human being. `user_id`, `traits` and `groups` hold once they have signed in; guests never do.

    `joined_ms` is when a joiner's sign-up session begins, in Unix milliseconds; 0 for members, None for
    guests. `weight` says how often they come, beside others.
    """

    kind: Kind
    devices: tuple[Device, ...]
    user_id: str | None
    joined_ms: int | None
    traits: dict[str, object]
    groups: tuple[str, ...] | None
    weight: float


# (browser, version, operating system), weight
DEVICES: dict[str, tuple[tuple[tuple[str, str, str], int], ...]] = {
    "Desktop": (
        (("Chrome", "139", "Windows"), 40),
        (("Edge", "139", "Windows"), 14),
        (("Firefox", "142", "Windows"), 10),
        (("Safari", "18.6", "macOS"), 14),
        (("Chrome", "138", "macOS"), 14),
        (("Firefox", "128", "Linux"), 5),
        (("Chrome", "139", "Linux"), 3),
    ),
    "Mobile": (
        (("Safari", "18.6", "iOS"), 45),
        (("Chrome", "139", "Android"), 42),
        (("Samsung Internet", "28", "Android"), 9),
        (("Firefox", "142", "Android"), 4),
    ),
    "Tablet": (
        (("Safari", "18.5", "iOS"), 70),
        (("Chrome", "138", "Android"), 30),
    ),
}
DEVICE_TYPE_WEIGHTS = {"Desktop": 52, "Mobile": 36, "Tablet": 12}

COUNTRY_WEIGHTS = {
    "DE": 40, "AT": 10, "CH": 8, "FR": 8, "GB": 8, "NL": 7, "PL": 6, "US": 6, "SE": 3, "JP": 2, "TR": 2,
}  # fmt: skip

# A given name as it is written and as it stands in an address; the family names.
NAMES: dict[str, tuple[tuple[tuple[str, str], ...], tuple[str, ...]]] = {
    "DE": (
        (("Jürgen", "juergen"), ("Anna", "anna"), ("Käthe", "kaethe"), ("Björn", "bjoern"), ("Mia", "mia")),
        ("Müller", "Groß", "Weiß", "Schäfer", "Özdemir", "Becker", "von der Höh"),
    ),
    "AT": ((("Zoë", "zoe"), ("Franz", "franz"), ("Jörg", "joerg")), ("Gruber", "Höller", "Nováček")),
    "CH": ((("Beat", "beat"), ("Chiara", "chiara"), ("Aurélie", "aurelie")), ("Zürcher", "Rossi", "Favre")),
    "FR": (
        (("Chloé", "chloe"), ("François", "francois"), ("Noël", "noel")),
        ("Lefèvre", "Garçon", "d’Aubigné"),
    ),
    "GB": ((("Siobhán", "siobhan"), ("Oliver", "oliver"), ("Priya", "priya")), ("O’Neill", "Smith", "Patel")),
    "NL": (
        (("Daniël", "daniel"), ("Fenna", "fenna"), ("Renée", "renee")),
        ("de Vries", "van ’t Hoff", "Bakker"),
    ),
    "PL": (
        (("Łukasz", "lukasz"), ("Małgorzata", "malgorzata"), ("Jan", "jan")),
        ("Wójcik", "Zając", "Nowak"),
    ),
    "US": ((("José", "jose"), ("Mary-Ann", "mary-ann"), ("Tyrone", "tyrone")), ("Núñez", "Johnson", "Lee")),
    "SE": ((("Åsa", "asa"), ("Göran", "goeran"), ("Elin", "elin")), ("Ångström", "Sjöberg", "Lind")),
    "JP": ((("花子", "hanako"), ("健", "ken"), ("さくら", "sakura")), ("山田", "佐藤", "鈴木")),
    "TR": ((("Çağla", "cagla"), ("İbrahim", "ibrahim"), ("Işıl", "isil")), ("Yıldız", "Şahin", "Öztürk")),
}
COMPANIES = ("Café Zürisee GmbH", "Röstwerk Süd", "Pâtisserie d’Or", "Hôtel Léman", "Kawiarnia Żuraw")

TAIL = 1.0
"""Shape of the Pareto law of visits: the smaller, the heavier. Set so that the busiest tenth makes nearly
40 % of events."""
WEIGHT_MAX = 60.0
KEENNESS = {Kind.GUEST: 1.0, Kind.JOINER: 1.6, Kind.MEMBER: 2.2}
SECOND_DEVICE_SHARE = 0.35


def draw_uuid(rng: Random) -> str:
    """A random (version 4) UUID in its usual spelling, drawn from `rng`."""
    digits = f"{rng.getrandbits(128):032x}"
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def draw_visitors(rng: Random, joined_ms: list[int]) -> list[Visitor]:
    """All 1,740 people: guests, then joiners, then members.

    `joined_ms` holds the beginnings of the `JOINERS` sign-up sessions, ascending: the n-th joiner signs up
    at the n-th of them, and user ids count up in that order after the members'.
    """
    guests = [_draw_visitor(rng, Kind.GUEST, 0, None) for _ in range(GUESTS)]
    joiners = [_draw_visitor(rng, Kind.JOINER, 1_001 + MEMBERS + index, joined) for index, joined in enumerate(joined_ms)]
    members = [_draw_visitor(rng, Kind.MEMBER, 1_001 + index, 0) for index in range(MEMBERS)]
    return guests + joiners + members


def _draw_visitor(rng: Random, kind: Kind, number: int, joined_ms: int | None) -> Visitor:
    (country,) = rng.choices(tuple(COUNTRY_WEIGHTS), tuple(COUNTRY_WEIGHTS.values()))
    devices = (_draw_device(rng, country),)
    # Only a member signs in on a second device: a joiner's would be one more anonymous person.
    if kind is Kind.MEMBER and rng.random() < SECOND_DEVICE_SHARE:
        devices += (_draw_device(rng, country),)
    weight = min(WEIGHT_MAX, rng.paretovariate(TAIL)) * KEENNESS[kind]
    if kind is Kind.GUEST:
        return Visitor(kind, devices, None, None, {}, None, weight)
    given, family = NAMES[country]
    (written, spelled) = rng.choice(given)
    (plan,) = rng.choices(("basic", "plus", "business"), (70, 22, 8))
    traits: dict[str, object] = {
        "name": f"{written} {rng.choice(family)}",
        "email": f"{spelled}.{number}@example.com",
        "plan": plan,
    }
    groups = (rng.choice(COMPANIES),) if plan == "business" else None
    return Visitor(kind, devices, f"cust_{number}", joined_ms, traits, groups, weight)


def _draw_device(rng: Random, country: str) -> Device:
    (device_type,) = rng.choices(tuple(DEVICE_TYPE_WEIGHTS), tuple(DEVICE_TYPE_WEIGHTS.values()))
    models = DEVICES[device_type]
    ((browser, version, system),) = rng.choices([model for model, _ in models], [weight for _, weight in models])
    properties: dict[str, object] = {
        "$browser": browser,
        "$browser_version": version,
        "$os": system,
        "$device_type": device_type,
        "$country": country,
    }
    return Device(draw_uuid(rng), properties)
