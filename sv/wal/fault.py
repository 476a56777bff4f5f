"""Why a record was not stored: the room's one exception. Callers map it to what they answer."""


class LogFault(Exception):
    """The log did not store a record: the disk refused, or the log is closed.

    `reason` is one line for an operator, naming the call and the file where there is one. A record that
    failed so was never acknowledged; it may be appended again.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    @classmethod
    def of(cls, error: Exception) -> "LogFault":
        """The fault for an exception that a write met; an `OSError` keeps its text and the file's name."""
        if isinstance(error, OSError) and error.strerror:
            where = f" ({error.filename})" if error.filename else ""
            return cls(f"the log can't be written: {error.strerror}{where}")
        return cls(f"the log can't be written: {type(error).__name__}: {error}")
