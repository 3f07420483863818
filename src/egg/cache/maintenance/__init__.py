"""What is worth its place in the cache, and is it sound?"""
