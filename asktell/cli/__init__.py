"""The command line: a state in a file, for schedulers in any language."""
