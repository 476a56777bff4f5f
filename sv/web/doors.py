"""Builds the ASGI doors beside the framework: uploading recordings, playing them, what other sites' pages load, and the web app."""

from collections.abc import Callable

from sv.meta.projects import Project
from sv.recordings.opening import Opened
from sv.settings import Settings
from sv.web.client_door import ClientDoor
from sv.web.front import Door
from sv.web.recordings_door import RecordingsDoor
from sv.web.replay_door import ReplayDoor
from sv.web.ui_door import UiDoor


def open_doors(
    settings: Settings,
    opened: Opened,
    project_of: Callable[[str], str | None],
    find_project: Callable[[str], Project | None],
    now_ms: Callable[[], int],
) -> tuple[Door, ...]:
    """opened: where recordings are kept. project_of: the project of a project token, or None. find_project: a project by its id.

    The web app's is the last: it takes whatever is not the API's.
    """
    return (
        RecordingsDoor(opened, project_of, settings.public_url, settings.base_path, now_ms),
        ClientDoor(
            project_of,
            find_project,
            script_path=settings.script_path,
            recorder_path=settings.recorder_path,
            base_path=settings.base_path,
        ),
        ReplayDoor(),
        UiDoor(asks_too=opened.elsewhere, base_path=settings.base_path, public_url=settings.public_url),
    )
