"""Lists of events. `page_reading` is the door; `newest` finds where the events of a page lie."""
