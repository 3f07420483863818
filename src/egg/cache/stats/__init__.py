"""What did the runs do that used this cache?"""
