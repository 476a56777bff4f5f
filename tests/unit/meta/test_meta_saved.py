"""Smart events and saved insights as they are kept: names, versions, pages, and who uses what."""

import pytest
from meta_rig import NOW, make_project

from sv.meta.db import Meta
from sv.meta.reset import delete_all_events
from sv.meta.saved import Saved
from sv.model.cursor import Cursor
from sv.model.errors import Conflict, NotFound, ValidationFailed
from sv.model.limits import MAX_SAVED_INSIGHTS, MAX_SMART_EVENTS
from sv.model.saved_parsing import ChartKind, InsightKind
from sv.model.selector import parse_selector
from sv.model.smart_events import Rule, SmartEvent

RULES = (Rule("buy"), Rule(selector=parse_selector("a > .b"), text="Go"))


@pytest.fixture
def saved(meta: Meta) -> Saved:
    for project in "ab":
        make_project(meta, project)
    return Saved(meta)


def smart(saved: Saved, name: str = "n", project: str = "a", now_ms: int = NOW) -> SmartEvent:
    return saved.smart_events.create(project, name=name, description="d", rules=RULES, now_ms=now_ms)


def insight(saved: Saved, *action_ids: str, name: str = "w", project: str = "a") -> str:
    return saved.insights.create(
        project, name=name, description="", kind=InsightKind.TRENDS, query=b"{}", action_ids=action_ids, now_ms=NOW
    ).id


def test_a_smart_event_comes_back_as_it_was_made(saved: Saved) -> None:
    made = smart(saved, "🦊 ' -- ")
    assert (made.name, made.description, made.rules, made.is_archived, made.version) == ("🦊 ' -- ", "d", RULES, False, 1)
    assert saved.smart_events.get("a", made.id) == made
    assert saved.smart_events.find("a", [made.id, "no such"]) == {made.id: made}


def test_a_change_is_one_version_and_leaves_the_rest(saved: Saved) -> None:
    made = smart(saved)
    changed = saved.smart_events.update("a", made.id, description="", now_ms=NOW + 5)
    assert (changed.name, changed.description, changed.rules, changed.version, changed.updated_ms) == ("n", "", RULES, 2, NOW + 5)
    back = saved.smart_events.update("a", made.id, rules=RULES[:1], is_archived=True, now_ms=NOW - 99)
    assert (back.rules, back.is_archived, back.version, back.created_ms, back.updated_ms) == (RULES[:1], True, 3, NOW, NOW)


def test_names_are_unique_among_those_of_a_project_that_are_not_archived(saved: Saved) -> None:
    first = smart(saved)
    smart(saved, project="b")
    with pytest.raises(Conflict, match='called "n"'):
        smart(saved)
    saved.smart_events.update("a", first.id, is_archived=True, now_ms=NOW)
    second = smart(saved)
    with pytest.raises(Conflict, match="called that name"):
        saved.smart_events.update("a", first.id, is_archived=False, now_ms=NOW)
    with pytest.raises(Conflict, match='called "n"'):
        saved.smart_events.update("a", smart(saved, "m").id, name="n", now_ms=NOW)
    assert saved.smart_events.get("a", first.id).is_archived
    saved.smart_events.update("a", first.id, name="o", is_archived=False, now_ms=NOW)
    assert saved.smart_events.update("a", second.id, name="n", now_ms=NOW).name == "n"


def test_nothing_of_another_project_is_found(saved: Saved) -> None:
    made, kept = smart(saved), insight(saved)
    assert saved.smart_events.find("b", [made.id]) == {}
    assert saved.smart_events.page("b", limit=9, cursor=None, include_archived=True) == []
    assert saved.insights.page("b", limit=9, cursor=None) == []
    for ask in (
        lambda: saved.smart_events.get("b", made.id),
        lambda: saved.smart_events.update("b", made.id, name="x", now_ms=NOW),
        lambda: saved.smart_events.delete("b", made.id),
        lambda: saved.insights.get("b", kept),
        lambda: saved.insights.update("b", kept, name="x", now_ms=NOW),
        lambda: saved.insights.delete("b", kept),
    ):
        with pytest.raises(NotFound):
            ask()
    with pytest.raises(ValidationFailed, match="smart events of this project"):
        insight(saved, made.id, project="b")
    assert saved.insights.page("b", limit=9, cursor=None) == []


def test_pages_show_each_once_newest_first(saved: Saved) -> None:
    made = [smart(saved, str(n), now_ms=NOW + n // 3) for n in range(10)]
    saved.smart_events.update("a", made[4].id, is_archived=True, now_ms=NOW)
    expected = sorted(made, key=lambda one: (one.created_ms, one.id), reverse=True)
    for include_archived in (True, False):
        seen: list[str] = []
        cursor = None
        while page := saved.smart_events.page("a", limit=3, cursor=cursor, include_archived=include_archived):
            seen += [one.id for one in page]
            cursor = Cursor(page[-1].created_ms, page[-1].id)
        assert seen == [one.id for one in expected if include_archived or one is not made[4]]


def test_what_is_used_is_not_deleted_and_the_refusal_names_who_uses_it(saved: Saved) -> None:
    made, other = smart(saved), smart(saved, "m")
    kept = insight(saved, made.id, other.id, name='We"ekly')
    with pytest.raises(Conflict, match=r'is used by the saved insight "We\\"ekly" \(' + kept):
        saved.smart_events.delete("a", made.id)
    saved.insights.update("a", kept, name="Monthly", now_ms=NOW)
    with pytest.raises(Conflict, match='"Monthly"'):
        saved.smart_events.delete("a", other.id)
    saved.insights.update("a", kept, query=b'{"x":1}', action_ids=[other.id], now_ms=NOW)
    saved.smart_events.delete("a", made.id)
    saved.insights.delete("a", kept)
    saved.smart_events.delete("a", other.id)
    assert saved.smart_events.page("a", limit=9, cursor=None, include_archived=True) == []


def test_of_many_users_five_are_named(saved: Saved) -> None:
    made = smart(saved)
    for n in range(7):
        insight(saved, made.id, name=f"i{n}")
    with pytest.raises(Conflict) as raised:
        saved.smart_events.delete("a", made.id)
    assert [f'"i{n}"' in raised.value.message for n in range(7)] == [True] * 5 + [False] * 2
    assert "and 2 more;" in raised.value.message


def test_how_trends_are_drawn_is_kept_and_is_lines_where_nobody_said(saved: Saved) -> None:
    asked = {"description": "", "query": b"{}", "action_ids": (), "now_ms": NOW}
    plain = saved.insights.get("a", insight(saved))
    bars = saved.insights.create("a", name="b", kind=InsightKind.TRENDS, chart=ChartKind.BAR, **asked)
    funnel = saved.insights.create("a", name="f", kind=InsightKind.FUNNEL, **asked)
    assert [each.chart for each in (plain, bars, funnel)] == [ChartKind.LINE, ChartKind.BAR, None]
    assert saved.insights.update("a", bars.id, name="c", now_ms=NOW).chart is ChartKind.BAR
    assert saved.insights.update("a", bars.id, chart=ChartKind.LINE, now_ms=NOW).chart is ChartKind.LINE


def test_an_insight_that_names_what_is_gone_is_not_changed(saved: Saved) -> None:
    kept = insight(saved)
    with pytest.raises(ValidationFailed, match="query"):
        saved.insights.update("a", kept, name="x", query=b'{"y":1}', action_ids=["gone"], now_ms=NOW)
    found = saved.insights.get("a", kept)
    assert (found.name, bytes(found.query), found.version) == ("w", b"{}", 1)


def test_a_project_has_as_many_as_it_may(saved: Saved, meta: Meta) -> None:
    with meta.transaction() as writer:
        for n in range(MAX_SMART_EVENTS):
            writer.execute(
                "insert into smart_events (id, project_id, name, description, rules, is_archived, created_ms, updated_ms)"
                " values (?, 'a', 'n', '', '[]', 1, 1, 1)",
                (f"s{n}",),
            )
        for n in range(MAX_SAVED_INSIGHTS):
            writer.execute(
                "insert into saved_insights (id, project_id, name, description, kind, query, created_ms, updated_ms)"
                " values (?, 'a', 'n', '', 'trends', '{}', 1, 1)",
                (f"i{n}",),
            )
    with pytest.raises(Conflict, match="500 smart events"):
        smart(saved)
    with pytest.raises(Conflict, match="1,000 saved insights"):
        insight(saved)
    smart(saved, project="b")
    insight(saved, project="b")


@pytest.mark.parametrize("project", ["a", None])
def test_emptying_takes_what_was_saved_along_only_if_asked(saved: Saved, meta: Meta, project: str | None) -> None:
    for each in "ab":
        insight(saved, smart(saved, project=each).id, project=each)
    delete_all_events(meta, project)
    assert len(saved.insights.page("a", limit=9, cursor=None)) == 1
    delete_all_events(meta, project, saved_too=True)
    left = [len(saved.smart_events.page(each, limit=9, cursor=None, include_archived=True)) for each in "ab"]
    assert left == ([0, 1] if project else [0, 0])
    assert [len(saved.insights.page(each, limit=9, cursor=None)) for each in "ab"] == left
