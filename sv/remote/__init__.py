"""Asking a running server over HTTP, for commands that work against one instead of a folder."""
