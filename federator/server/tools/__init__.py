"""The tools, one module per group; each exposes `register(endpoint)`.

    from federator.server.shared import App
    from federator.server.arguments import StudyUID
    from federator.server.endpoint import Endpoint

    async def find_series(
        study_instance_uid: StudyUID,                       # a parsed TaggedUID; named studyInstanceUid for the model
        query: Annotated[str, Field(max_length=1000, description="…")] = "",
        *,
        ctx: Context[App],
    ) -> Annotated[CallToolResult, SeriesAnswer]:           # text and structured; plain CallToolResult: no structure
        \"\"\"What for, when, what comes back: copy for the model.\"\"\"
        app = ctx.request_context.lifespan_context
        federation = await app.federation()                 # opened by the first call that needs it
        …

    def register(endpoint: Endpoint) -> None:
        endpoint.add(find_series, title="Find series", needs="federator.server.answers.search")  # becomes `find-series`

- A parameter of several words gets `Field(validation_alias="bodyPart", …)`, so that Python keeps its own spelling.
- Raise a `FederatorError`: `Endpoint` is the one boundary that turns it into an answer for the model. Anything else
  is a bug, is logged by type and place, and its text stays hidden.
- Call `app.note(outcomes)` with what became of the archives, so that the health file can tell it.
- Import what reaches pydicom, httpx, NumPy, … inside the function: starting the server must stay cheap.
  `needs` names the module, so that it is loaded in a thread before the first call.
- A tool reports progress (`federator.server.progress.reporter`) or is added with `is_silent=True`.
- `federator.server.wording.wording` has the shared pieces of text: `fenced`, `served_by`, `first_line`, `one_line`.
- Work on pixels, PDF or SR runs through `app.in_worker(function, *arguments)`; what a stranger's bytes can make heavy
  through `app.in_process(function, *arguments, limits=…)`.
"""
