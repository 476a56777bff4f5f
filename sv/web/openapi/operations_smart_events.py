"""What the operations of smart events and saved insights take and answer, by their ids. Answers for the same as `operations` does."""

from typing import Any, Final

from sv.web.openapi import schemas_smart_events as schemas
from sv.web.openapi import texts
from sv.web.openapi.operation import JSON, PAGE_PARAMETERS, Answer, Operation, query_parameter

SMART_PATH_PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "action_id": {"description": "The smart event's id.", "schema": {"type": "string"}},
    "insight_id": {"description": "The saved insight's id.", "schema": {"type": "string"}},
}

_SMART: Final = "Smart events"
_SAVED: Final = "Saved insights"
_NOT_JSON: Final = "the body is not JSON: JSON is malformed: object keys must be strings (byte 1) (body)"
_NO_PARAMETERS: Final = "limit: unknown parameter; this route takes none"
_NO_SMART: Final = 'no smart event "nothing" (action_id)'
_NO_INSIGHT: Final = 'no saved insight "nothing" (insight_id)'
_NO_NAME: Final = "name: expected a string of 1 to 200 characters, got 7"
_BODY: Final = {400: _NOT_JSON, 404: "", 413: "", 415: "", 422: "", 503: ""}

SMART_OPERATIONS: Final[dict[str, Operation]] = {
    "list_smart_events": Operation(
        tag=_SMART,
        summary="List smart events, newest first",
        description="Without the archived ones, unless they are asked for.",
        parameters=(
            *PAGE_PARAMETERS,
            query_parameter(
                "include_archived",
                "Whether archived ones are listed too.",
                {"type": "string", "enum": ["true", "false"], "default": "false"},
            ),
        ),
        answers={200: Answer("A page of smart events.", (schemas.SmartEventList,))},
        errors={400: "", 404: "", 503: ""},
    ),
    "create_smart_event": Operation(
        tag=_SMART,
        summary="Make a smart event",
        description=texts.SMART_EVENTS,
        body={JSON: schemas.SmartEventRequest},
        answers={201: Answer("The smart event.", (schemas.SmartEvent,))},
        errors=_BODY | {409: "", 422: _NO_NAME},
    ),
    "get_smart_event": Operation(
        tag=_SMART,
        summary="Get one smart event",
        description="Archived or not.",
        answers={200: Answer("The smart event.", (schemas.SmartEvent,))},
        errors={400: _NO_PARAMETERS, 404: _NO_SMART, 503: ""},
    ),
    "update_smart_event": Operation(
        tag=_SMART,
        summary="Change a smart event",
        description="Changes the fields that the body names, from the next query on. `rules` replace the old ones.",
        body={JSON: schemas.SmartEventChange},
        answers={200: Answer("The smart event as it is now.", (schemas.SmartEvent,))},
        errors=_BODY | {404: _NO_SMART, 409: "", 422: _NO_NAME},
    ),
    "delete_smart_event": Operation(
        tag=_SMART,
        summary="Delete a smart event",
        description="For good. While something uses it the answer is 409 and names that; archiving is always possible.",
        answers={204: Answer("Gone.")},
        errors={
            400: _NO_PARAMETERS,
            404: _NO_SMART,
            409: ('smart event "k3x0v8qm2c1a" is used by the saved insight "Weekly" (m0c4t7ze19yb); change or delete that first'),
            503: "",
        },
    ),
    "preview_rules": Operation(
        tag=_SMART,
        summary="Try rules before they are saved",
        description=texts.PREVIEW,
        body={JSON: schemas.RulesPreviewRequest},
        answers={200: Answer("What the rules mean.", (schemas.SmartEventPreview,))},
        errors=_BODY | {422: "rules: required: a list of 1 to 20 items"},
    ),
    "preview_smart_event": Operation(
        tag=_SMART,
        summary="Preview a smart event",
        description=f"By its own rules, or by those in the body: nothing is changed. {texts.PREVIEW} The body may be left out.",
        body={JSON: schemas.SmartEventPreviewRequest},
        needs_body=False,
        answers={200: Answer("What the rules mean.", (schemas.SmartEventPreview,))},
        errors=_BODY | {404: _NO_SMART, 422: 'limit: expected a whole number from 0 to 100, got "many"'},
    ),
    "list_saved_insights": Operation(
        tag=_SAVED,
        summary="List saved insights, newest first",
        description="Trends and funnels that somebody keeps by a name.",
        parameters=PAGE_PARAMETERS,
        answers={200: Answer("A page of saved insights.", (schemas.SavedInsightList,))},
        errors={400: "", 404: "", 503: ""},
    ),
    "create_saved_insight": Operation(
        tag=_SAVED,
        summary="Save an insight",
        description="Keeps a query by a name. It has to be one that could be asked now; smart events that it names can't be deleted.",
        body={JSON: schemas.SavedInsightRequest},
        answers={201: Answer("The saved insight.", (schemas.SavedInsight,))},
        errors=_BODY | {409: "expected at most 1,000 saved insights in a project; delete some first", 422: _NO_NAME},
    ),
    "get_saved_insight": Operation(
        tag=_SAVED,
        summary="Get one saved insight",
        description="With its query, which can be sent to the insight's own route as it is.",
        answers={200: Answer("The saved insight.", (schemas.SavedInsight,))},
        errors={400: _NO_PARAMETERS, 404: _NO_INSIGHT, 503: ""},
    ),
    "update_saved_insight": Operation(
        tag=_SAVED,
        summary="Change a saved insight",
        description="Changes the fields that the body names. A `query` has to be of the same kind.",
        body={JSON: schemas.SavedInsightChange},
        answers={200: Answer("The saved insight as it is now.", (schemas.SavedInsight,))},
        errors=_BODY | {404: _NO_INSIGHT, 422: _NO_NAME},
    ),
    "delete_saved_insight": Operation(
        tag=_SAVED,
        summary="Delete a saved insight",
        description="For good. The smart events that it used are free. While it stands on a dashboard the answer is 409 and names that.",
        answers={204: Answer("Gone.")},
        errors={
            400: _NO_PARAMETERS,
            404: _NO_INSIGHT,
            409: 'saved insight "m0c4t7ze19yb" is on the dashboard "Mondays" (d7w2k5hq8x3n); take it off first',
            503: "",
        },
    ),
}
