"""What must hold for any input, checked on examples that hypothesis makes up."""
