"""Uploads of a page that has no socket, where a network lets none through: the page's own messages, by HTTP.

Every request goes to the page's own address, so that its log-in rules and its CSRF protection hold, and no URL has to
be added to a project. See docs/protocol.md, "Without a WebSocket".
"""
