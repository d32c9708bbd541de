"""Image files as people have them, read back with other libraries."""
