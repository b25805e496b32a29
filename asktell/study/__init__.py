"""What a study is made of: the problem, its trials, and the events of their lives. Values only."""
