"""One avatar per visitor: the smallest complete use of `uploads`."""
