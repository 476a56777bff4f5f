"""Copies of a data folder, taken beside a running server, and folders made of them again."""
