"""Smart events by the names of events: what is asked for under such a name is asked for by its rules."""

from typing import Any, Final

from msgspec.structs import replace

from sv.model.filters import Filter, Operator
from sv.model.smart_events import Rule, SmartEvent, UrlMatch

RULES: Final[dict[str, tuple[Rule, ...]]] = {
    "smart purchase": (Rule(event="buy", filters=(Filter("plan", Operator.EXACT, "pro"),)),),
    "smart plan or payment": (Rule(event="pay"), Rule(filters=(Filter("plan", Operator.EXACT, 7),))),
    "smart page": (Rule(event="view", url="/p", url_match=UrlMatch.CONTAINS), Rule(event="buy", filters=(Filter("plan", Operator.IS_SET),))),
    "smart anything": (Rule(filters=(Filter("absent", Operator.IS_NOT_SET),)),),
    "smart overlap": (Rule(event="view"), Rule(event="view", filters=(Filter("plan", Operator.EXACT, "free"),))),
}  # fmt: skip


def with_smart(asked: Any) -> Any:
    """A step or series, by rules where its event's name is one of RULES."""
    name = asked.event
    if name not in RULES:
        return asked
    smart = SmartEvent(
        id=name, name=name, description="", rules=RULES[name], is_archived=False, version=1, created_ms=0, updated_ms=0
    )
    return replace(asked, event=None, action_id=name, smart=smart)
