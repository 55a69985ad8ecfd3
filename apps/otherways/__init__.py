"""The same file by each of the ways in that need no live page: a form, chunks, a bare WebSocket, tus."""
