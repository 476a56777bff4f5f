"""From events at rest to a user's files: what `sv export` does between the command line and where events are.

`sources` are the data folder or, in `remote`, a running server; both give a plan (neighbouring days as pieces) and the content of a
piece. `targets` names files and compresses them, `journal` remembers which pieces are written, `running` puts one after the other, so that
an export that was stopped goes on after the last whole piece.
"""
