"""Object storage: bytes under keys, sent and fetched by whoever holds a signed URL. One port, a folder of the server's own, and S3.

Answers for keys that can't escape, bytes that are there whole or not at all, and URLs of which no byte can be changed. Knows nothing of
recordings.
"""
