"""A tiny project that uses what is left of these packages when folders are deleted: `python -m smoke`."""
