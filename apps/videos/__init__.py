"""Videos: large files that are checked, remuxed and played, without a page ever waiting for it."""
