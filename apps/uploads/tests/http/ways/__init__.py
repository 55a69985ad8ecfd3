"""A project whose files come in by HTTP, in a server of its own: for tests with real sockets."""
