"""What a funnel needs of events: keys of persons and times by step. `funnel_reading` is the door.

funnel_sql, first_values    in SQL, and the breakdown's value of each person
step_reading                out of key files, and by SQL where they don't tell
session_reading             the same of sessions in the place of persons
step_keys, merged_keys      what is kept in memory of steps between questions
"""
