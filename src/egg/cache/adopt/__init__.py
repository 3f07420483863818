"""How does the cache take over eggs that others made?"""
