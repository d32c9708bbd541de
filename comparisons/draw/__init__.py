"""How results become tables, pictures and pages."""
