"""The command line as a user meets it: results, messages and exit status."""
