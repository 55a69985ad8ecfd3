"""A project whose jobs wait, fail and kill their process, as tests want it: see `e2e/test_jobs.py`."""
