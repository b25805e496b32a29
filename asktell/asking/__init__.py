"""What is asked of the state: the next params, the best, what the model expects."""
