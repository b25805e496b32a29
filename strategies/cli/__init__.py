"""The command line: tune the quantisation of a model at the keyboard."""
