"""Session Vision, self-hosted: an analytics server in one process with nothing beside it."""

__version__ = "0.1.0"
