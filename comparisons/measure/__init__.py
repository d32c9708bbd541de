"""What is measured, under which protocol, and where results are kept."""
