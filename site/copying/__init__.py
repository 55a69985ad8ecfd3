"""Copies an app, with the packages it stands on, into somebody's project, and keeps the copy current.

Nothing but the standard library: it runs with whichever Python is there (`bin/copyapp`), and as `manage.py copyapp`.
"""
