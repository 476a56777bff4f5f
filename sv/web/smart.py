"""Smart events in requests: looks up those that a query names, and checks their regular expressions with the engine."""

import asyncio
from collections.abc import Mapping, Sequence

from sv.insights.runner import Kind
from sv.meta.projects import Project
from sv.model.queries import EventsQuery, FunnelQuery, TrendsQuery
from sv.model.smart_events import Rule, SmartEvent, UrlMatch
from sv.model.smart_queries import action_ids, with_smart_event, with_smart_steps, with_smart_trends
from sv.web.filters import Pattern, check_patterns, patterns_of
from sv.web.requests import AnyRequest, services_of


async def smart_trends(request: AnyRequest, project: Project, query: TrendsQuery, path: str = "events") -> TrendsQuery:
    """The query with its smart events in their places. Raises ValidationFailed for ids that the project doesn't have."""
    return with_smart_trends(query, await _found(request, project, query), path)


async def smart_funnel(request: AnyRequest, project: Project, query: FunnelQuery, path: str = "steps") -> FunnelQuery:
    """The query with its smart events in their places. Raises ValidationFailed for ids that the project doesn't have."""
    return with_smart_steps(query, await _found(request, project, query), path)


async def smart_list(request: AnyRequest, project: Project, query: EventsQuery) -> EventsQuery:
    """The query with the rules of its smart event. Raises InvalidParameter for an id that the project doesn't have."""
    return with_smart_event(query, await _found(request, project, query))


async def _found(
    request: AnyRequest, project: Project, query: TrendsQuery | FunnelQuery | EventsQuery
) -> Mapping[str, SmartEvent]:
    ids = action_ids(query)
    return await asyncio.to_thread(services_of(request).saved.smart_events.find, project.id, ids) if ids else {}


def kept_patterns(query: TrendsQuery | FunnelQuery | EventsQuery) -> list[Pattern]:
    """The regular expressions of the query's smart events, once for each time that one is named, with the path of its id."""
    match query:
        case TrendsQuery():
            named = [(f"events[{place}].action_id", item.smart) for place, item in enumerate(query.series)]
        case FunnelQuery():
            named = [(f"steps[{place}].action_id", item.smart) for place, item in enumerate(query.steps)]
        case EventsQuery():
            return [Pattern("action_id", text) for _, text in rule_patterns(query.rules)]
    return [Pattern(path, text) for path, smart in named if smart is not None for _, text in rule_patterns(smart.rules)]


async def check_rules(request: AnyRequest, project: Project, rules: Sequence[Rule]) -> None:
    """Raises ValidationFailed for a regular expression that the engine can't compile, naming its path. Asks it only if there are any."""
    await check_all(request, project, rule_patterns(rules))


async def check_all(request: AnyRequest, project: Project, patterns: Sequence[Pattern], kept: Sequence[Pattern] = ()) -> None:
    """As `check_rules`, for patterns with their paths. kept: see `check_patterns`."""
    if patterns or kept:
        await services_of(request).runner.run(
            project.id, (0, 1), lambda context: check_patterns(context, patterns, kept), kind=Kind.PAGE
        )


def rule_patterns(rules: Sequence[Rule]) -> list[Pattern]:
    """Every regular expression of the rules with its path."""
    found: list[Pattern] = []
    for place, rule in enumerate(rules):
        found += patterns_of([(f"rules[{place}].filters[{number}]", item) for number, item in enumerate(rule.filters)])
        if rule.url is not None and rule.url_match is UrlMatch.REGEX:
            found.append(Pattern(f"rules[{place}].url", rule.url))
    return found
