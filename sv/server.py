"""The composition root: the only place that builds concrete classes and wires them.

    open    lock the folder, open the metadata, read the log back: ready in a fraction of a second
    serve   uvicorn over `web.front`, until SIGTERM or SIGINT
    close   stop taking requests, flush, close everything

The engine (DuckDB, pyarrow, numpy) and the Litestar application are imported when first needed: by a flush, a query, a management call. A
server without events has neither in memory; one with events loads both as soon as it serves, before anybody asks.
"""

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sv import __version__
from sv.auth.live_tokens import LiveTokens
from sv.engine.priority import STORE_NICENESS, all_thread_ids, giving_way, lower_own_priority, lower_priority, put_back, put_first
from sv.ingest.capture import Capture, answer_of
from sv.ingest.enrich.agents import Agents
from sv.ingest.enrich.country import Countries
from sv.ingest.rates import Rates
from sv.ingest.replay import replay
from sv.ingest.retries import Retries, delete_old_answers, load_answers, save_answers
from sv.insights.readiness import get_ready
from sv.meta.db import Meta
from sv.meta.deleted_projects import DeletedProjects
from sv.meta.errors import FolderUnusable
from sv.meta.instance import Instance, has_instance, load_instance
from sv.meta.lock import FolderLock
from sv.meta.parts import Parts
from sv.meta.persons import Persons
from sv.meta.reset import delete_all_events
from sv.meta.rollups.alias_lists import AliasLists
from sv.meta.rollups.builds import RollupBuilds
from sv.meta.rollups.merged_persons import MergedPersons
from sv.meta.rollups.person_lists import PersonLists
from sv.model.batch import Batch, StoredBatch
from sv.model.data_folder import CATALOG
from sv.model.errors import Unavailable
from sv.people.people import People
from sv.privacy.opening import open_jobs
from sv.recordings.opening import open_recordings
from sv.settings import Settings
from sv.settings.memory import engine_bytes, kept_bytes
from sv.store.disk_watch import DiskWatch
from sv.store.event_store import EventStore
from sv.store.files import ASIDE, EVENTS, SPILL, refuse_lost_catalog
from sv.store.maintenance import Maintenance
from sv.store.person_numbers import PersonNumbers
from sv.store.ports import BadBatch
from sv.store.recalling import recall_event_ids
from sv.store.recovery import clear_away, recover_catalog
from sv.store.rollups import Rollups, RollupWork
from sv.wal.fault import LogFault
from sv.wal.log import Commit, Log
from sv.web.doors import open_doors
from sv.web.front import App, Front
from sv.web.metrics import health, read
from sv.web.prometheus import render

if TYPE_CHECKING:
    from sv.engine.duck.engine import DuckEngine
    from sv.engine.duck.tables import DuckTables
    from sv.insights.event_export import EventExports
    from sv.insights.runner import Runner
    from sv.web.services import Services

log = logging.getLogger(__name__)

SALT_BITS: Final = 18
"""Of the folder's salt, in each event's id."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Server:
    """One data folder, opened. Call `open` first, then `serve`. `close` may be called once, from any state.

    clock: Unix milliseconds. is_dev: whether the route that empties the server exists. gives_way: see `Database`; may be set until `open`.
    """

    def __init__(self, settings: Settings, *, is_dev: bool = False, clock: Callable[[], int] = now_ms) -> None:
        self.settings = settings
        self.is_dev = is_dev
        self.clock = clock
        self.gives_way = True
        self._engine_lock = threading.Lock()
        self._engine: DuckEngine | None = None
        self._tables: DuckTables | None = None
        self.runner: Runner | None = None
        self._lock: FolderLock | None = None
        self._waiting_for_log: queue.SimpleQueue[Commit] | None = None

    # Opening

    def lock_folder(self) -> None:
        """Lock the folder, and nothing more. Raises FolderInUse, FolderUnusable."""
        if self._lock is None:
            self._lock = FolderLock.acquire(self.settings.data, now_ms=self.clock())

    @property
    def lock(self) -> FolderLock:
        assert self._lock is not None
        return self._lock

    def open(self) -> None:
        """Lock the folder and bring back what it holds. Raises FolderInUse, FolderFromNewerVersion and other errors that say what to do."""
        folder = self.settings.data
        self.lock_folder()
        with contextlib.ExitStack() as undone:
            undone.callback(self.lock.release)
            self._open_meta(folder)
            undone.callback(self.meta.close)
            try:
                self._open_store(folder)
            except LogFault as error:
                raise FolderUnusable(f"can't open the log in {folder / 'log'}: {error.reason}") from error
            undone.pop_all()

    def _open_meta(self, folder: Path) -> None:
        refuse_lost_catalog(folder)
        self.meta = Meta.open(folder / CATALOG)
        refuse_lost_catalog(folder, is_blank=not has_instance(self.meta))
        self.instance: Instance = load_instance(self.meta, self.clock())
        settings = self.settings
        self.people = People(
            self.meta,
            now_ms=self.clock,
            monotonic_s=time.monotonic,
            audit_days=settings.audit_days,
            login_session_hours=settings.login_session_hours,
            login_session_idle_hours=settings.login_session_idle_hours,
        )
        self.project_tokens, self.projects = self.people.project_tokens, self.people.projects
        self.api_tokens, self.users = self.people.api_tokens, self.people.users
        self.parts, self.persons, self.builds = Parts(self.meta), PersonNumbers(Persons(self.meta)), RollupBuilds(self.meta)
        self.live_tokens = LiveTokens(self.project_tokens, self.clock)
        self.countries, self.agents = Countries(settings.geoip_db), Agents()
        give_back = self.meta.give_room_back
        self.disk = DiskWatch(folder, settings.disk_budget, settings.disk_free_warning, give_back, lower=lower_own_priority)

    def _open_store(self, folder: Path) -> None:
        self.catalog, covered = recover_catalog(folder, self.parts), self.parts.covered_seq()
        self.store = EventStore(
            data_folder=folder,
            catalog=self.catalog,
            open_tables=self._open_tables,
            keep_persons=self.persons.keep,
            covered_seq=covered,
            monotonic_s=time.monotonic,
            engine_memory_bytes=engine_bytes(self.settings.memory_limit),
            ingested_before=self.parts.ledger().ingested,
        )
        self.rollups = Rollups(self.store, self.builds, self.persons.number_persons, self.clock)
        settings = self.settings
        self.maintenance = Maintenance(
            self.store,
            self.parts,
            flush_after_s=settings.flush_seconds,
            flush_after_events=settings.flush_events,
            flush_after_bytes=settings.flush_bytes,
            compact_every_s=settings.compact_seconds,
            fold=self.rollups.fold,
            before_commit=self._save_answers,
            after_commit=self._after_flush,
            now_ms=self.clock,
            monotonic_s=time.monotonic,
            deleted=DeletedProjects.open(self.meta, self.clock, lambda: self.rollup_work.purge_soon()),
        )
        self.rollup_work = RollupWork(self.rollups, self.builds, self.maintenance)
        self._retry_window_ms = int(settings.retry_window_seconds * 1000)
        self.retries = Retries(self._retry_window_ms)
        self.capture = Capture(
            project_of=self.live_tokens.project_of,
            accept=self.store.accept,
            held_bytes=lambda: self.store.held_bytes,
            max_held_bytes=settings.buffer_limit,
            retries=self.retries,
            now_ms=self.clock,
            rates=Rates(settings.ingest_rate_limit, settings.project_rate_limit, time.monotonic),
        )
        self.log = Log.open(folder / "log", deliver=self._deliver, next_seq_floor=max(covered, self.builds.rolled_seq()) + 1)
        for answer in load_answers(folder / "retries", self.clock(), self._retry_window_ms, covered):
            self.retries.remember(answer, self.clock())
        self._oldest_replayed_ms = replay(self.log.replay(covered), self.retries, self.store.accept)
        is_log_whole = self.log.damage.missing_records == 0
        clear_away(folder, self.parts, self.catalog, logged_seq=self.store.accepted_seq if is_log_whole else covered)
        self.recordings = open_recordings(settings, self.meta, self.clock)
        rollups, kept, audit = (self.rollups, self.rollup_work), self.recordings.recordings, self.people.audit
        self.jobs = open_jobs(settings, self.meta, self.store, self.maintenance, *rollups, self.log, kept, audit, self.clock)
        self.front = Front(
            capture=self.capture,
            load_app=self._load_app,
            health=self.health,
            warnings=self.disk.warnings,
            country_of=self.countries.of_request,
            on_startup=self._on_startup,
            on_shutdown=self._on_shutdown,
            doors=open_doors(settings, self.recordings, self.live_tokens.project_of, self.projects.find, self.clock),
        )

    def store_now(self, batch: Batch, payload: bytes) -> None:
        """Log a batch and wait for the disk, before anything is served. Raises Unavailable."""
        waiting = self._waiting_for_log = queue.SimpleQueue[Commit]()
        self.log.append(payload, batch)
        commit = waiting.get()
        self._waiting_for_log = None
        if commit.seq is None:
            raise Unavailable(f"can't write to the data folder: {commit.fault}")
        self.store.accept([StoredBatch(commit.seq, batch)])

    # What ingest and the store call

    def _deliver(self, commits: list[Commit]) -> None:
        """The log's report on its commits: of requests to ingest, or, before anything is served, of the one batch of `store_now`."""
        waiting = self._waiting_for_log
        if waiting is None:
            self.capture.on_commits(commits)
            return
        for commit in commits:
            waiting.put(commit)

    def _save_answers(self, headers: Sequence[Batch], covered_seq: int) -> None:
        save_answers(self.settings.data / "retries", covered_seq, [answer_of(batch) for batch in headers])

    def _after_flush(self, covered_seq: int) -> None:
        self.log.truncate_below(covered_seq)
        delete_old_answers(self.settings.data / "retries", self.clock(), self._retry_window_ms)
        if self._tables is not None:
            self._tables.forget_event_ids(self.clock() - int(self.settings.event_id_window_seconds * 1000))

    # The engine, when first needed

    def _open_engine(self) -> "DuckEngine":
        tables = self._open_tables()
        with self._engine_lock:
            if self._engine is None:
                from sv.engine.duck.engine import DuckEngine

                aliases, kept = AliasLists(self.meta, self.builds), kept_bytes(self.settings.memory_limit)
                data, numbers = self.settings.data, self.persons.max_number
                self._engine = DuckEngine(tables.database, data, numbers, aliases, kept, tables.key_files)
            return self._engine

    def _open_tables(self) -> "DuckTables":
        with self._engine_lock:
            if self._tables is None:
                from sv.engine.duck.database import Database
                from sv.engine.duck.tables import DuckTables

                settings, note, gives = self.settings, self.catalog.note_suspects, self.gives_way
                memory, folders = engine_bytes(settings.memory_limit), [settings.data / each for each in (EVENTS, SPILL, ASIDE)]
                try:
                    database = Database(*folders, memory_bytes=memory, threads=settings.threads, gives_way=gives, on_fault=note)
                except OSError as error:
                    raise Unavailable(f"can't write to the data folder: {error.strerror}") from error
                self._tables = DuckTables(
                    database,
                    agent_of=self.agents.lookup,
                    number_persons=self.persons.number_persons,
                    salt=self.instance.id_salt & ((1 << SALT_BITS) - 1),
                    event_id_window_ms=int(settings.event_id_window_seconds * 1000),
                    bad_batch=BadBatch,
                    recall_event_ids=self._recall_event_ids,
                )
            return self._tables

    def _recall_event_ids(self) -> None:
        """Read the event ids of the window back from the parts, before the first batch that brings some is drained. SCAR: the window counts
        back from the oldest batch out of the log, not from now. A repetition that had been dropped came back to life."""
        since_ms = (self._oldest_replayed_ms or self.clock()) - int(self.settings.event_id_window_seconds * 1000)
        recall_event_ids(self.settings.data, self.catalog, self._open_tables(), since_ms, lambda: self.maintenance.is_ending)

    def _load_app(self) -> App:
        from sv.web.app import make_app
        from sv.web.local_names import ByLocalNames

        app: Any = make_app(self.load_services())
        return ByLocalNames(app, self.settings.public_url) if self.is_dev else app

    def load_services(self) -> "Services":
        """What the routes call. Called once, by a command that needs it or at the first request; imports the engine."""
        from sv.imports.receiving import open_receiver
        from sv.insights.definitions import Definitions
        from sv.insights.opening import open_runner
        from sv.insights.persons import PersonPages
        from sv.insights.sessions import SessionPages
        from sv.meta.rollups.definition_lists import DefinitionLists
        from sv.meta.rollups.session_lists import SessionLists
        from sv.meta.saved import Saved
        from sv.web.one_at_a_time import OneAtATime
        from sv.web.services import Services

        settings, catch_up = self.settings, self.rollups.catch_up
        for_ingest = (lower_own_priority, giving_way, self.capture.pace.is_quick)
        self.runner = open_runner(settings, self._open_engine, self.store, catch_up, self.maintenance.check_all, *for_ingest)
        return Services(
            people=self.people,
            hashing=OneAtATime(),
            look_for_deleted=self.maintenance.look_for_deleted,
            find_project=self.projects.find,
            runner=self.runner,
            definitions=Definitions(DefinitionLists(self.meta, self.builds), catch_up, self.clock),
            persons=PersonPages(PersonLists(self.meta, self.builds), MergedPersons(self.meta, self.builds), catch_up),
            sessions=SessionPages(SessionLists(self.meta, self.builds), catch_up, self.recordings.recordings.recorded),
            now_ms=self.clock,
            metrics=self.metrics,
            rejected=self.capture.rejected,
            reset=self.reset if self.is_dev else None,
            version=__version__,
            recordings=self.recordings.recordings,
            jobs=self.jobs,
            public_url=settings.public_url,
            base_path=settings.base_path,
            saved=Saved(self.meta),
            imports=open_receiver(self.store, self.parts, self.maintenance, self.clock),
            exports=self.open_exports(),
        )

    def open_exports(self) -> "EventExports":
        """For a command that does nothing else, too."""
        from sv.insights.event_export import EventExports

        return EventExports(self._open_engine, self.store, self.maintenance.check_all, lower_own_priority)

    # What the routes call

    def reset(self) -> None:
        """Empty the server of events and of what people saved, for `sv dev`."""
        with self.maintenance.turn(), self.rollups.paused():  # or what is being folded would come back
            self.maintenance.reset(lambda covered_seq: delete_all_events(self.meta, covered_seq=covered_seq, saved_too=True))
        self.recordings.recordings.erase_all_recordings()
        self.capture.forget_answers()
        delete_old_answers(self.settings.data / "retries", 2**62, 0)
        self.people.throttle.forget_all()

    def health(self) -> str | None:
        """None while writes are taken, else why they are not."""
        return health(self)

    @property
    def engine_fault(self) -> str | None:
        """The engine's own error after which it answers nothing any more; None while it works."""
        return None if self._tables is None else self._tables.database.fault

    @property
    def kept_bytes(self) -> int:
        """How much memory is kept of funnels' steps for later questions."""
        return 0 if self._engine is None else self._engine.cached_bytes

    def metrics(self) -> str:
        """What `/metrics` answers."""
        return render(read(self))

    # Life

    async def _on_startup(self) -> None:
        of_ingest = all_thread_ids()
        self.capture.open(self.log, asyncio.get_running_loop())
        # Kept, since the event loop itself does not keep its tasks.
        self._getting_ready = asyncio.create_task(get_ready(self.front, self.store, self._open_engine, self.maintenance))
        lower_priority([self.maintenance.start()], STORE_NICENESS)
        for each in (self.rollup_work, self.recordings.keeper, self.jobs, self.disk):
            each.start()
        put_first(of_ingest)

    def end_queries(self) -> None:
        """Tell callers who still wait for an answer that there will be none."""
        self.capture.is_closing = True
        if self.runner is not None:
            self.runner.end()

    async def _on_shutdown(self) -> None:
        self.capture.is_closing = True
        self.maintenance.end_soon()  # or the key files of many parts, which are made on another thread, would be waited for
        put_back(all_thread_ids())  # before the last flush, which is on one of these threads

    def close(self, *, flush: bool = True) -> None:
        """Stop everything, writing the last events as parts. What can't be written stays in the log, and that is logged."""
        self.capture.is_closing = True
        with contextlib.ExitStack() as steps:  # the last one entered is the first one done, and all are, whatever one raises
            steps.callback(self.lock.release)
            steps.callback(self.meta.close)
            steps.callback(lambda: self._engine.close() if self._engine is not None else None)
            if flush:
                steps.callback(self.maintenance.flush_last)
            steps.callback(self.maintenance.stop)
            steps.callback(self.log.close)
            for each in (self.jobs, self.rollup_work, self.recordings.keeper, self.disk):  # a job may be having the log renewed
                steps.callback(each.stop)
            if self.runner is not None:
                steps.callback(self.runner.close)
