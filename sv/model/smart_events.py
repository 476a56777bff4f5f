"""Smart events: a name for "any of these rules", what a rule is, and how both are read and shown.

Answers for the fields of a rule, their bounds and their meaning: what a rule names must hold all at once, and any rule suffices. Assumes
JSON values as decoded. Never asks whether a regular expression compiles: that is the engine's to say.

    event       the event's name
    filters     conditions on properties (`sv.model.filters`), all of them; `properties` is short for `exact` ones
    url         short for a filter on `$current_url`: with url_match `exact` (the default), `contains` or `regex` for the operators `exact`,
                `icontains` and `regex`, with all that filters say of values that start with `/`
    selector    a CSS selector (`sv.model.selector`) which the clicked element, or one around it, meets
    text        that element's text, else that of any; compared exactly, but for blanks (`normal_text`)
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from sv.model import limits
from sv.model.filters import URL_PROPERTY, Filter, Operator, read_filters, read_properties
from sv.model.regexes import read_regex
from sv.model.selector import Selector, SelectorFault, parse_selector
from sv.model.validate import Fields, Problems

RULE_FIELDS: Final = ("event", "filters", "properties", "url", "url_match", "selector", "text")


class UrlMatch(StrEnum):
    """How a rule's `url` is compared."""

    EXACT = "exact"
    CONTAINS = "contains"
    REGEX = "regex"


_OPERATORS: Final = {
    UrlMatch.EXACT: Operator.EXACT,
    UrlMatch.CONTAINS: Operator.ICONTAINS,
    UrlMatch.REGEX: Operator.REGEX,
}
_BLANKS: Final = re.compile(r"[ \t\n\r\f]+")


class Rule(Struct, frozen=True):
    """One rule. At least one of `event`, `filters`, `url`, `selector`, `text` is given. text: as `normal_text` makes it."""

    event: str | None = None
    filters: tuple[Filter, ...] = ()
    url: str | None = None
    url_match: UrlMatch = UrlMatch.EXACT
    selector: Selector | None = None
    text: str | None = None

    @property
    def all_filters(self) -> tuple[Filter, ...]:
        """The filters, and the one that `url` is short for."""
        if self.url is None:
            return self.filters
        return (*self.filters, Filter(URL_PROPERTY, _OPERATORS[self.url_match], self.url))

    @property
    def part_count(self) -> int:
        """Elements that the selector speaks of."""
        return 0 if self.selector is None else sum(len(path.parts) for path in self.selector.paths)

    @property
    def condition_count(self) -> int:
        """Conditions that the rule comes to: about what it costs to prepare."""
        return len(self.all_filters) + self.part_count + (self.event is not None) + (self.text is not None)


class SmartEvent(Struct, frozen=True, kw_only=True):
    """One smart event. version: from 1, one more with each change. Times are Unix milliseconds."""

    id: str
    name: str
    description: str
    rules: tuple[Rule, ...]
    is_archived: bool
    version: int
    created_ms: int
    updated_ms: int


def normal_text(text: str) -> str:
    """The text as people see it: each run of blanks (HTML's: space, tab, line ends, form feed) as one space, none at the ends."""
    return _BLANKS.sub(" ", text).strip(" ")


# ---- Reading ----


def read_rules(items: Sequence[tuple[str, object]], problems: Problems) -> tuple[Rule, ...]:
    """Rules from the items of a list, each with its path; wrong ones are noted."""
    rules = tuple(_read_rule(item, path, problems) for path, item in items)
    conditions = sum(len(rule.filters) for rule in rules)
    if conditions > limits.MAX_RULE_CONDITIONS:
        problems.add("rules", f"expected at most {limits.MAX_RULE_CONDITIONS} filters in all rules, got {conditions}")
    parts = sum(rule.part_count for rule in rules)
    if parts > limits.MAX_RULE_PARTS:
        problems.add("rules", f"expected at most {limits.MAX_RULE_PARTS} elements in the selectors of all rules, got {parts}")
    return rules


def _read_rule(item: object, path: str, problems: Problems) -> Rule:
    fields = Fields(item, path, RULE_FIELDS, problems)
    if not isinstance(item, dict):
        return Rule()
    if all(fields.get(name) in (None, [], {}) for name in RULE_FIELDS if name != "url_match"):
        problems.add(path, "expected at least one of event, filters, properties, url, selector, text")
    filters = read_filters(fields.get("filters"), fields.at("filters"), problems)
    filters += read_properties(fields.get("properties"), fields.at("properties"), problems)
    if len(filters) > limits.MAX_FILTERS:
        problems.add(fields.at("filters"), f"expected at most {limits.MAX_FILTERS} filters, got {len(filters)} with properties")
    url_match = fields.choice("url_match", UrlMatch, UrlMatch.EXACT)
    url = _read_url(fields, url_match)
    if fields.get("url_match") is not None and fields.get("url") is None:
        problems.add(fields.at("url_match"), "expected none without a url")
    text = fields.text("text", limits.MAX_ELEMENT_TEXT_CHARS)
    if text is not None and not normal_text(text):
        problems.unexpected(fields.at("text"), "a text that is not blank", text)
    return Rule(
        event=fields.text("event", limits.MAX_EVENT_NAME_CHARS, trim=True),
        filters=filters,
        url=url,
        url_match=url_match,
        selector=_read_selector(fields),
        text=None if text is None else normal_text(text),
    )


def _read_url(fields: Fields, url_match: UrlMatch) -> str | None:
    value = fields.get("url")
    if value is None or url_match is not UrlMatch.REGEX:
        return fields.text("url", limits.MAX_FILTER_VALUE_CHARS)
    return read_regex(value, fields.at("url"), fields.problems)


def _read_selector(fields: Fields) -> Selector | None:
    text = fields.text("selector", limits.MAX_SELECTOR_CHARS)
    if text is None:
        return None
    try:
        return parse_selector(text)
    except SelectorFault as fault:
        fields.problems.add(fields.at("selector"), str(fault))
        return None


# ---- Showing ----


def rule_json(rule: Rule) -> dict[str, Any]:
    """The rule as answers show it and as it is kept: every field, null where it says nothing. `_read_rule` reads it again."""
    return {
        "event": rule.event,
        "filters": [_filter_json(item) for item in rule.filters],
        "url": rule.url,
        "url_match": rule.url_match.value if rule.url is not None else None,
        "selector": rule.selector.text if rule.selector is not None else None,
        "text": rule.text,
    }


def _filter_json(item: Filter) -> dict[str, Any]:
    value = list(item.value) if isinstance(item.value, tuple) else item.value
    shown: dict[str, Any] = {"property": item.property, "operator": item.operator.value}
    return shown if value is None else {**shown, "value": value}
