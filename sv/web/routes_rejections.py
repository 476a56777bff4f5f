"""The route that says what ingest rejected lately, and why."""

from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from sv.ingest.rejected import Report
from sv.model.calendar import iso_ms
from sv.web.permissions import READ_PROJECT
from sv.web.requests import PROJECT, AnyRequest, answer, project_of, refuse_parameters, services_of


@get(f"{PROJECT}/rejections", operation_id="get_rejections", opt={"permission": READ_PROJECT})
async def get_rejections_route(request: AnyRequest, project_id: FromPath[str]) -> Response[bytes]:
    """What was rejected of the project's events since the server started."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    return answer(_shown(services_of(request).rejected.report(project.id)))


def _shown(report: Report) -> dict[str, Any]:
    return {
        "since": iso_ms(report.since_ms),
        "rejected": report.rejected,
        "reasons": [
            {
                "code": reason.code,
                "count": reason.count,
                "last_at": iso_ms(reason.last_ms),
                "samples": [
                    {
                        "at": iso_ms(sample.at_ms),
                        "index": sample.index,
                        "events": sample.events,
                        "field": sample.field,
                        "expected": sample.expected,
                        "got": sample.got,
                    }
                    for sample in reason.samples
                ],
            }
            for reason in report.reasons
        ],
    }
