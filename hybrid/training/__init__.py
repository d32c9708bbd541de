"""Training a network: what a run is, the crops it sees, its steps, and going on after a stop."""
