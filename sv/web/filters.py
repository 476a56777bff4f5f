"""What of a filter only the engine can check."""

from typing import Final

from sv.insights.runner import Context
from sv.model.errors import ValidationFailed
from sv.model.filters import Filter, Operator

_REGEXES: Final = (Operator.REGEX, Operator.NOT_REGEX)


def check_regexes(context: Context, filters: list[tuple[str, Filter]]) -> None:
    """Raises ValidationFailed for a regular expression that the engine can't compile, naming its path."""
    for path, item in filters:
        if item.operator in _REGEXES and isinstance(item.value, str):
            wrong = context.engine.check_regex(item.value)
            if wrong is not None:
                raise ValidationFailed.at(
                    f"{path}.value", f"expected a regular expression (RE2), got {item.value[:60]!r}: {wrong}"
                )
