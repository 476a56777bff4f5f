"""What the browser client asks for, in the OpenAPI document. Answers for the same as `operations` does, for this topic."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from sv.web.openapi.operation import Answer, Example, Operation, query_parameter


class ClientConfig(Struct, rename="camel"):
    """The settings of the token's project that concern its pages."""

    autocapture: Annotated[
        bool, Meta(description="Whether page views, clicks, forms and rage clicks are captured by themselves.")
    ]
    respect_do_not_track: Annotated[bool, Meta(description="Whether visitors whose browser asks for it are left alone.")]
    recording_sample_rate: Annotated[float, Meta(ge=0, le=1, description="The share of sessions to record.")]
    mask_all_inputs: Annotated[bool, Meta(description="Whether recordings hide what is typed.")]
    mask_all_text: Annotated[bool, Meta(description="Whether recordings hide all text.")]
    script_path: Annotated[str, Meta(description="Where the browser client is, below the server's address.")]
    recorder_path: Annotated[str, Meta(description="Where the recorder is, below the server's address.")]


_DESCRIPTION: Final = """\
What the pages of a project are to do, for the browser client. Any origin may ask (CORS); the answer may be kept for five minutes, and has
an `ETag`. Change it by `PATCH /projects/{project_id}`, in `settings`."""

CLIENT_OPERATIONS: Final[dict[str, Operation]] = {
    "get_ingest_config": Operation(
        tag="Ingest",
        summary="What the browser client is to do",
        description=_DESCRIPTION,
        parameters=({**query_parameter("token", "The project token.", {"type": "string", "minLength": 1}), "required": True},),
        answers={200: Answer("The settings.", (ClientConfig,))},
        errors={
            400: "token: required: a project token",
            401: "unknown project token 'sv_pub_nobod…' (token)",
            503: "",
        },
    ),
}

CLIENT_EXAMPLES: Final[dict[str, tuple[Example, ...]]] = {
    "get_ingest_config": (
        Example(
            name="unchanged",
            summary="Of a project that nobody has set anything in",
            query={"token": "sv_pub_dev"},
            answer={
                "autocapture": True,
                "respectDoNotTrack": True,
                "recordingSampleRate": 0.0,
                "maskAllInputs": True,
                "maskAllText": False,
                "scriptPath": "/sv.js",
                "recorderPath": "/recorder.js",
            },
        ),
    ),
}
