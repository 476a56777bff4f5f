"""Straight into the data folder, in the process that has it open."""

from collections.abc import Callable

from sv.imports.chunks import Chunk, ChunkSize
from sv.imports.targets import Outcome, Step
from sv.store.importing import ImportBatch, ImportChunks


class LocalTarget:
    """compact: merges the files that are due; called once at the end. size: see `Target`."""

    def __init__(
        self, chunks: ImportChunks, project_id: str, compact: Callable[[], object], size: ChunkSize | None = None
    ) -> None:
        self.size = size
        self._chunks = chunks
        self._project_id = project_id
        self._compact = compact

    def taken_up_to(self, import_id: str) -> int:
        return max(self._chunks.taken(self._project_id, import_id), default=0)

    def begin(self, import_id: str, chunk: Chunk) -> Callable[[], Step]:
        batches = [ImportBatch(batch.user_agent, len(batch.places), batch.events, batch.columns) for batch in chunk.batches]
        write = self._chunks.begin(self._project_id, import_id, chunk.number, batches)

        def wrote() -> Step:
            commit = write()
            return lambda: _outcome(commit())

        return wrote

    def finish(self) -> None:
        self._compact()


def _outcome(taken: int | None) -> Outcome:
    return Outcome(0, is_already=True) if taken is None else Outcome(taken)
