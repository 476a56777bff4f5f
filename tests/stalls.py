"""Who measures waits on a machine that does other things too says beside them how long it once stood still."""

import threading
import time


class Stalls(threading.Thread):
    """Does nothing, and looks at how much longer that takes than it should. `longest_s` is the worst so far."""

    def __init__(self) -> None:
        super().__init__(name="stalls", daemon=True)
        self.longest_s = 0.0
        self.is_ending = False

    def run(self) -> None:
        while not self.is_ending:
            began_s = time.monotonic()
            time.sleep(0.05)
            self.longest_s = max(self.longest_s, time.monotonic() - began_s - 0.05)
