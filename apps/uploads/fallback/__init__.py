"""Uploads of a page without a socket, where a network blocks them: the page's own messages, by HTTP.

Every request goes to the page's own address, so that its log-in rules and CSRF protection hold, and a project needs no
extra URL. See docs/protocol.md, "Without a WebSocket".
"""
