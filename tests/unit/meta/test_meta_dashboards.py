"""Dashboards as they are kept: tiles, versions, pages, and the insights that they hold on to."""

import pytest
from meta_rig import NOW, make_project

from sv.meta.db import Meta
from sv.meta.reset import delete_all_events
from sv.meta.saved import Saved
from sv.model.cursor import Cursor
from sv.model.dashboard_limits import MAX_DASHBOARDS
from sv.model.dashboards import Layout, TileBody
from sv.model.errors import Conflict, NotFound, ValidationFailed
from sv.model.saved_parsing import InsightKind

AT = Layout(1, 2, 3, 4)


@pytest.fixture
def saved(meta: Meta) -> Saved:
    for project in "ab":
        make_project(meta, project)
    return Saved(meta)


def insight(saved: Saved, name: str = "w", project: str = "a") -> str:
    return saved.insights.create(
        project, name=name, description="", kind=InsightKind.TRENDS, query=b"{}", action_ids=(), now_ms=NOW
    ).id


def board(saved: Saved, *insight_ids: str, name: str = "d", project: str = "a", now_ms: int = NOW) -> str:
    tiles = [TileBody(each, None, AT) for each in insight_ids]
    return saved.dashboards.create(project, name=name, description="", tiles=tiles, now_ms=now_ms).listed.id


def test_a_dashboard_comes_back_with_its_tiles_in_their_order(saved: Saved) -> None:
    first, second = insight(saved, "one"), insight(saved, "two")
    tiles = [TileBody(second, "🦊 ' --", AT), TileBody(first, None, Layout(0, 0, 12, 1)), TileBody(second, None, AT)]
    made = saved.dashboards.create("a", name="n", description="d", tiles=tiles, now_ms=NOW)
    assert (made.listed.name, made.listed.description, made.listed.version, made.listed.tile_count) == ("n", "d", 1, 3)
    assert [TileBody(tile.insight.id, tile.title, tile.layout) for tile in made.tiles] == tiles
    assert made.tiles[0].insight == saved.insights.get("a", second)
    assert saved.dashboards.get("a", made.listed.id) == made


def test_a_change_is_one_version_and_leaves_the_rest(saved: Saved) -> None:
    made = board(saved, insight(saved))
    renamed = saved.dashboards.update("a", made, name="new", now_ms=NOW + 5)
    assert (renamed.listed.name, renamed.listed.version, renamed.listed.updated_ms, len(renamed.tiles)) == ("new", 2, NOW + 5, 1)
    emptied = saved.dashboards.update("a", made, tiles=(), description="x", now_ms=NOW - 9)
    assert (emptied.listed.name, emptied.listed.description, emptied.listed.version, emptied.tiles) == ("new", "x", 3, ())
    assert emptied.listed.updated_ms == NOW


def test_an_insight_stays_while_a_dashboard_shows_it(saved: Saved) -> None:
    shown = insight(saved)
    boards = [board(saved, shown, shown, name=f"d{n}") for n in range(7)]
    with pytest.raises(Conflict, match=rf'on the dashboard "d0" \({boards[0]}\), .*"d4" \({boards[4]}\) and 2 more; take it off'):
        saved.insights.delete("a", shown)
    saved.dashboards.update("a", boards[0], tiles=(), now_ms=NOW)
    for each in boards[1:]:
        saved.dashboards.delete("a", each)
    saved.insights.delete("a", shown)
    with pytest.raises(NotFound):
        saved.insights.get("a", shown)


def test_a_tile_shows_an_insight_of_its_own_project_or_nothing_changes(saved: Saved) -> None:
    mine, other = insight(saved), insight(saved, project="b")
    made = board(saved, mine)
    for wrong in (other, "no such"):
        with pytest.raises(ValidationFailed) as caught:
            saved.dashboards.update("a", made, name="x", tiles=[TileBody(mine, None, AT), TileBody(wrong, None, AT)], now_ms=NOW)
        assert [detail.field for detail in caught.value.details] == ["tiles[1].insight_id"]
        with pytest.raises(ValidationFailed):
            board(saved, wrong)
    assert (saved.dashboards.get("a", made).listed.version, len(saved.dashboards.get("a", made).tiles)) == (1, 1)
    assert len(saved.dashboards.page("a", limit=9, cursor=None)) == 1


def test_dashboards_of_another_project_are_not_there(saved: Saved) -> None:
    made = board(saved, project="b")
    for ask in (
        lambda: saved.dashboards.get("a", made),
        lambda: saved.dashboards.update("a", made, name="x", now_ms=NOW),
        lambda: saved.dashboards.delete("a", made),
    ):
        with pytest.raises(NotFound):
            ask()
    assert saved.dashboards.page("a", limit=9, cursor=None) == []
    assert saved.dashboards.get("b", made).listed.name == "d"


def test_pages_are_newest_first_and_miss_none(saved: Saved) -> None:
    ids = [board(saved, now_ms=NOW + n // 2) for n in range(7)]
    found: list[str] = []
    cursor = None
    while page := saved.dashboards.page("a", limit=2, cursor=cursor):
        found += [each.id for each in page]
        cursor = Cursor(page[-1].created_ms, page[-1].id)
    assert sorted(found) == sorted(ids)
    assert [ids.index(each) // 2 for each in found] == [3, 2, 2, 1, 1, 0, 0]


def test_a_project_has_so_many_dashboards(saved: Saved) -> None:
    for _ in range(MAX_DASHBOARDS):
        board(saved)
    with pytest.raises(Conflict, match="at most 200"):
        board(saved)
    board(saved, project="b")


def test_emptying_a_project_of_what_people_saved_takes_its_dashboards_too(meta: Meta, saved: Saved) -> None:
    board(saved, insight(saved))
    kept = board(saved, insight(saved, project="b"), project="b")
    delete_all_events(meta, "a")
    assert len(saved.dashboards.page("a", limit=9, cursor=None)) == 1
    delete_all_events(meta, "a", saved_too=True)
    assert (saved.dashboards.page("a", limit=9, cursor=None), saved.insights.page("a", limit=9, cursor=None)) == ([], [])
    assert len(saved.dashboards.get("b", kept).tiles) == 1
