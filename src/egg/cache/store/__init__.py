"""What is in the cache directory, and how does it get in and out?"""
