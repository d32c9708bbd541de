"""Every compiled function of the package. All release the GIL and hold no global state."""
