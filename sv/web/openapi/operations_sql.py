"""The operation that answers a statement of SQL, as `operations` has those of the other topics."""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from sv.model.sql import MAX_SQL_ANSWER_BYTES, MAX_SQL_CHARS, MAX_SQL_ROWS, SQL_ROWS_DEFAULT
from sv.web.openapi.operation import JSON, Answer, Example, Operation


class SqlRequest(Struct, forbid_unknown_fields=True):
    query: Annotated[str, Meta(min_length=1, max_length=MAX_SQL_CHARS, description="One select, in DuckDB's SQL.")]
    limit: Annotated[Annotated[int, Meta(ge=1, le=MAX_SQL_ROWS)] | None, Meta(description="Rows to answer at most.")] = (
        SQL_ROWS_DEFAULT
    )


class SqlColumnShape(Struct):
    name: str
    type: Annotated[str, Meta(description="As DuckDB names it.")]


class SqlRows(Struct):
    columns: list[SqlColumnShape]
    rows: Annotated[
        list[list[Any]],
        Meta(
            max_length=MAX_SQL_ROWS,
            description="Each a list, a value a column. Times are ISO 8601; what JSON has no word for is text.",
        ),
    ]
    has_more: Annotated[bool, Meta(description="Whether there were more rows than `limit`.")]
    elapsed_ms: Annotated[float, Meta(ge=0)]


_DESCRIPTION: Final = (
    "One select over `events`, which has a row for each event of the project, as the event files have it (docs/data-layout.md), with "
    "`properties` as JSON: `properties->>'$.plan'`. It sees what was acknowledged before it. A statement may call what computes from its "
    "arguments; anything else (other statements, several of them, files, settings, the catalog) is a 422, and so is a statement that fails "
    f"and an answer of more than {MAX_SQL_ANSWER_BYTES:,} bytes. It runs in a process of its own, stands in line with the insights, "
    "and is bounded in time (`SV_QUERY_TIMEOUT_SECONDS`) and memory (a fourth of the engine's, nothing is spilled): 503."
)

SQL_OPERATIONS: Final[dict[str, Operation]] = {
    "query_sql": Operation(
        tag="Insights",
        summary="Ask one select statement of the events",
        description=_DESCRIPTION,
        body={JSON: SqlRequest},
        answers={200: Answer("The columns, and the rows.", (SqlRows,))},
        errors={
            400: "the body is not JSON: JSON is malformed: object keys must be strings (byte 1) (body)",
            404: "",
            413: "",
            415: "",
            422: "breakdown_limit: unknown field; the fields are query, limit",
            503: "",
        },
    ),
}

SQL_EXAMPLES: Final[dict[str, tuple[Example, ...]]] = {
    "query_sql": (
        Example(
            name="counts",
            summary="Events by name",
            path={"project_id": "dev"},
            body={"query": "select event, count(*) as n from events group by all order by n desc, event", "limit": 2},
            answer={
                "columns": [{"name": "event", "type": "VARCHAR"}, {"name": "n", "type": "BIGINT"}],
                "rows": [["$pageview", 3], ["checkout_started", 2]],
                "has_more": True,
                "elapsed_ms": 181.4,
            },
        ),
    ),
}
