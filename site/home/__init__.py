"""The start page: what the site is, and a place to try it."""
