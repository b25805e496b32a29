"""The engine inside other people's loops: one framework a module, each with an extra of its name.

Nothing is imported here, so that a module is needed, with its framework, only where it is used.
"""
