"""What people save in a project, as one door: smart events, insights that may use them, and dashboards that show those."""

from sv.meta.dashboards import Dashboards
from sv.meta.db import Meta
from sv.meta.saved_insights import SavedInsights
from sv.meta.smart_events import SmartEvents


class Saved:
    """Thread-safe."""

    def __init__(self, meta: Meta) -> None:
        self.smart_events = SmartEvents(meta)
        self.insights = SavedInsights(meta)
        self.dashboards = Dashboards(meta)
