"""What can be done with a cache?"""
