"""The settings as a table in Markdown: `docs/configuration.md` has it, and a test holds the page to it."""

from sv.settings.table import describe


def markdown_table() -> str:
    """A line a setting, in the order of their definition."""
    lines = ["| flag | variable | default | accepts | what and why |", "|---|---|---|---|---|"]
    for row in describe():
        why = f"{row.why.strip()} ({row.unit})" if row.unit else row.why.strip()
        lines.append(f"| `{row.flag}` | `{row.variable}` | {row.default or '–'} | {row.accepts} | {why} |")
    return "\n".join(lines) + "\n"
