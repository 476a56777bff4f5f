"""Names of events and properties as a question has them: tells events from smart events, and why an answer is empty.

Smart events are found by their names, and an empty answer gets hints. Asks the server no more than needed: for names of events that found
something only the list of smart events is read, for those of properties the list of these.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, TextIO

from sv.cli.server_access import RunningServer
from sv.cli.terminal import console, line, shown

PAGE: Final = 1000
"""Names that are looked at: all smart events there can be, and the newest events and properties."""

BOTS_HINT: Final = "bots are left out, and all of this is bots' events: --include-bots"


class EventNames:
    """Of one project. What is known of it is asked for once, and only where it is needed.

    stream: where hints go; None for standard output.
    """

    def __init__(self, server: RunningServer, project: str, stream: TextIO | None = None) -> None:
        self._server = server
        self._project = project
        self._stream = stream
        self._smart: dict[str, str] | None = None

    def fields(self, names: Iterable[str], key: str) -> list[dict[str, Any]]:
        """For each name, what the API takes: the `action_id` if it is a smart event's name that no event has, else the name under `key`."""
        return [
            {"action_id": self.smart[name]} if name in self.smart and not self._has_come(name) else {key: name} for name in names
        ]

    @property
    def smart(self) -> dict[str, str]:
        """Names of the smart events that are not archived, and their ids."""
        if self._smart is None:
            found = self._server.get(f"{self._project}/action_definitions", limit=PAGE)["data"]
            self._smart = {str(each["name"]): str(each["id"]) for each in found}
        return self._smart

    def tell_unknown(self, names: Sequence[str]) -> bool:
        """Report which of these names don't exist, and what may have been meant. Returns whether there was one."""
        unknown = [name for name in names if name not in self.smart and not self._has_come(name)]
        if not unknown:
            return False
        known = [*self._events(), *self.smart]
        for name in unknown:
            self._tell(f"no event {shown(name)} ever came", name, known)
        return True

    def tell_unknown_properties(self, names: Iterable[str]) -> None:
        """Report which of these properties no event brought, and what may have been meant."""
        unknown = [name for name in dict.fromkeys(names) if name not in self._listed("property", search=name)]
        known = self._listed("property") if unknown else []
        for name in unknown:
            self._tell(f"no event ever had a property {shown(name)}", name, known)

    def _has_come(self, name: str) -> bool:
        return name in self._events(search=name)

    def _events(self, search: str | None = None) -> list[str]:
        return self._listed("event", search)

    def _listed(self, what: str, search: str | None = None) -> list[str]:
        found = self._server.get(f"{self._project}/{what}_definitions", limit=PAGE, search=search, include_hidden="true")
        return [str(each["name"]) for each in found["data"]]

    def _tell(self, fault: str, name: str, known: Sequence[str]) -> None:
        from difflib import get_close_matches

        near = get_close_matches(name, known, 3)
        also = f"; did you mean {' or '.join(shown(each) for each in near)}?" if near else ""
        console(self._stream).print(line((f"{fault}{also}", "yellow")))


def tell_bots() -> None:
    """Say so where the same question finds something once bots are counted."""
    console().print(line((BOTS_HINT, "yellow")))
