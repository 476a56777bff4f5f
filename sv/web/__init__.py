"""HTTP, thin: parse, authorise, call one function, encode.

`front.py` is the ASGI door: it answers ingest and health itself, without Litestar, and hands the rest to the Litestar application
(`app.py`), which is imported when its first request comes. `errors.py` is the one map from an error to a status and a body.
"""
