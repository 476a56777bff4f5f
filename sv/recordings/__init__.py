"""Session recordings: chunks that browsers upload by signed URLs, what a session has of them, and their end.

Answers for who may upload what, for a chunk being listed as soon as its bytes are there, and for erased ones being gone for good. Never
looks into a chunk: it is anybody's bytes.
"""
