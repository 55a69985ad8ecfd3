"""The project that is soaked: every HTTP way in, and a page whose slots send to each kind of sink."""
