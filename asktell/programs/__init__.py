"""Programs as evaluations: any command is run for what is suggested, and its target is told.

``asktell run`` is made of this.
"""
