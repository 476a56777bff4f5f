"""From logged batches, or an import's columns, to rows of the buffer.

`drain` is the door for batches, `column_stage` makes an import's columns ready for it. `enrich` has what fills the typed columns of both;
`batch_parts` keeps what is parsed at a time within memory.
"""
