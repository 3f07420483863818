"""Why would a buildout hit, or miss?

`questions` reads from a configuration what the buildout asks, `explanation` answers as the cache
would, and where that is a miss, `nearest` has the entry that comes closest, with what differs
(`comparison`). The words of all answers are in `answers`.
"""
