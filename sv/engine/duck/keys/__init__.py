"""Key files: a file beside each part, out of which funnels, trends and pages are answered without decoding Parquet. Never the only place of
anything.

    key_files, key_order, property_codes, fingerprints    what is in one
    key_writing                                           makes one
    key_conditions, key_values, key_numbers, key_blocks   which codes, values and rows a condition or a breakdown is about
    open_files                                            which there are, and what is kept in memory of them
    key_reading                                           answers out of them
"""
