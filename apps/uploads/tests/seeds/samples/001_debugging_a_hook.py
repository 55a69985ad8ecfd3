import logging
logging.getLogger("djust.contrib.uploads.s3_events").setLevel(logging.DEBUG)
