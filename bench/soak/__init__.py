"""Everything at once, and then nothing may be left: `python -m bench.soak [minutes]`.

Visitors send good files, and files that are cut, cancelled, abandoned and hostile, by every way in, to several
processes with one Redis and one S3. Every few seconds a process is killed or told to end, or Redis or S3 goes away
for a moment. When they have stopped, what is left is counted against the start, once the janitor has been round:
staged files, records, leases, objects, multipart uploads, sessions, threads, descriptors, memory. Every file that was
kept is compared with what was sent. It is no bench of `python -m bench`: what comes out is whether it held.

`census` counts, `http_ways` and `page_ways` are what visitors do, `site` is what they do it to, and `run` sets it all
going.
"""
