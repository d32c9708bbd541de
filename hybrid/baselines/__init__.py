"""Networks of others that the paper compares with, one a file."""
