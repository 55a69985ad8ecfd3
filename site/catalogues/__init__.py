"""Keeps the translations: `python -m catalogues` reads the sources, updates every catalogue and compiles it.

A tool for who works on the project; the running site needs nothing of it, and its Babel comes with the tests.
"""
