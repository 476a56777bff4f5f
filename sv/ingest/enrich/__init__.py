"""What a request says besides its events: the visitor's browser, system, device, country, and their URLs.

`agents` and `bots` read User-Agent strings, `country` reads CDN headers and IP addresses, `urls` takes
paths, referring domains and campaign parameters out of URLs. All of it is pure look-up: nothing here reads
the clock, the network or (once constructed) the disk, nothing is written, and no input, however hostile,
raises. That what the client sent itself is never overwritten is the caller's to keep.
"""
