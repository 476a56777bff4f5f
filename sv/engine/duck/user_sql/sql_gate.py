"""What a user's statement may be: one select over `events` and its own parts, of functions that compute.

Answers for reading a statement as the engine itself parses it and for every node of that tree being of a kind that is known to be harmless.
What passes is written out again from the tree, so that what was looked at is what runs. Assumes that the caller runs it where nothing but
the project's events is: this is the first of two walls.
"""

import re
from typing import Any, Final, cast

import duckdb
import msgspec

from sv.engine.duck.user_sql.sql_functions import OPERATORS, SCALARS, TABLES

_NODES: Final = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
_CLASSES: Final = frozenset(
    {
        "BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "LAMBDA", "LAMBDA_REF",
        "OPERATOR", "POSITIONAL_REFERENCE", "STAR", "SUBQUERY", "TYPE", "WINDOW",
    }
)  # fmt: skip
_REFUSED_TABLES: Final = frozenset({"SHOW_REF", "COLUMN_DATA", "BOUND_TABLE_REF", "DELIM_GET", "INVALID"})
_NAME: Final = re.compile(r"[A-Za-z_]\w{0,62}")
_RESERVED: Final = re.compile(r"(duckdb|pg|sqlite|information|pragma)_|sqlite", re.IGNORECASE)


class Refused(Exception):
    """The statement is none that may run; the message is for its author."""


def checked(connection: duckdb.DuckDBPyConnection, text: str) -> str:
    """The statement as the engine writes it. Raises Refused."""
    try:
        row = connection.execute("select json_serialize_sql($text)", {"text": text}).fetchone()
        assert row is not None
        tree = msgspec.json.decode(row[0], type=dict[str, Any])
        statements = tree.get("statements", [])
        if tree.get("error"):
            raise Refused(_said(str(tree.get("error_message"))))
        if len(statements) != 1:
            raise Refused(f"expected one select statement, got {len(statements)}")
        _Walk(_names_of_parts(tree)).look(statements[0])
        written = connection.execute("select json_deserialize_sql($tree::json)", {"tree": row[0]}).fetchone()
    except RecursionError:
        raise Refused("it is nested too deep") from None
    except duckdb.Error as error:
        raise Refused(str(error).partition("\n")[0]) from None
    assert written is not None
    return str(written[0])


def _said(message: str) -> str:
    return "expected one select statement" if "Only SELECT" in message else message.partition("\n")[0]


def _names_of_parts(tree: Any) -> set[str]:
    """Of all `with` clauses. Raises Refused for one that is named as the engine's own tables are."""
    names: set[str] = set()
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            fields = cast("dict[str, Any]", node)
            clauses = fields.get("cte_map")
            if isinstance(clauses, dict):
                names |= {str(each.get("key")) for each in cast("dict[str, Any]", clauses).get("map", [])}
            if fields.get("type") == "RECURSIVE_CTE_NODE" or fields.get("type") == "CTE_NODE":
                names.add(str(fields.get("cte_name") or fields.get("name") or "events"))
            stack += fields.values()
        elif isinstance(node, list):
            stack += cast("list[Any]", node)
    for name in names:
        if not _NAME.fullmatch(name) or _RESERVED.match(name):
            raise Refused(f"{name[:60]!r} is no name for a part of a statement (with)")
    return {name.lower() for name in names}


class _Walk:
    """Every node of a tree, each of a kind that is known."""

    def __init__(self, parts: set[str]) -> None:
        self._tables = parts | {"events"}

    def look(self, node: Any) -> None:
        """Raises Refused."""
        if isinstance(node, list):
            for each in cast("list[Any]", node):
                self.look(each)
        elif isinstance(node, dict):
            self._look_at(cast("dict[str, Any]", node))

    def _look_at(self, node: dict[str, Any]) -> None:
        given = node.get("type")
        kind = given if isinstance(given, str) else ""
        if kind.endswith("_NODE") and kind not in _NODES:
            raise Refused("expected a select, and nothing that changes anything")
        if "class" in node and node["class"] not in _CLASSES:
            raise Refused(f"{str(node['class'])[:40].lower()} is not among what a statement may have")
        if kind in _REFUSED_TABLES and "class" not in node:
            raise Refused("expected a select from events; show and describe are not among what may be asked")
        if kind == "BASE_TABLE":
            self._check_table(node)
        if kind == "TABLE_FUNCTION" and "function" in node:
            function = node["function"]
            name = str(function.get("function_name")).lower()
            if name not in TABLES:
                raise Refused(
                    f"expected a select from events, got {name[:60]!r}; of tables' functions there are {', '.join(sorted(TABLES))}"
                )
            self.look({field: value for field, value in function.items() if field != "function_name"})
            self.look({field: value for field, value in node.items() if field not in ("function", "type")})
            return
        if "function_name" in node:
            name = str(node["function_name"])
            if name.lower() not in SCALARS and name not in SCALARS and name not in OPERATORS:
                raise Refused(f"{name[:60]!r} is not among the functions that a statement may call")
        for value in node.values():
            self.look(value)

    def _check_table(self, node: dict[str, Any]) -> None:
        path = node.get("qualified_name", {}).get("path", [])
        name = str(node.get("table_name", ""))
        is_plain = not node.get("schema_name") and not node.get("catalog_name") and len(path) <= 1
        if not is_plain or name.lower() not in self._tables:
            raise Refused(f"expected a select from events, got {'.'.join(map(str, path or [name]))[:60]!r}")
