"""What is said of trials: results, failures, leases, corrections. State in, state out."""
