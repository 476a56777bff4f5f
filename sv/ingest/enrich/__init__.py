"""What a request says besides its events: the visitor's browser, operating system, device and country.

`agents` and `bots` read User-Agent strings, `country` reads CDN headers and IP addresses. (What a URL says, such as its path and campaign,
is SQL: `sv.engine.duck.buffer.enrich`.) Everything here is a pure look-up: it reads no clock, no network and, once constructed, no disk; it
writes nothing, and no input raises, however hostile. Never overwriting what the client sent itself is up to the caller.
"""
