"""Key files: a file beside each part, out of which funnels, trends and pages are answered without decoding Parquet. Never the only place of
anything.

    key_files, key_order                                  what is in one: keys, codes of columns, and a description of the rest
    property_codes, fingerprints, value_blocks, session_codes   the rest: of properties with few values and with many, and of sessions
    key_writing, value_writing                            make one
    key_conditions, value_conditions, key_values, key_numbers, key_blocks   which codes, values and rows are asked about
    session_numbers                                       one number for a session that lies in several
    open_files                                            which there are, and what is kept in memory of them
    key_reading, key_matching                             answers out of them, and out of one
"""
