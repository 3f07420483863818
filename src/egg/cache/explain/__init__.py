"""Why would a buildout hit, or miss?

`questions` reads from a configuration what the buildout asks, `explanation` answers as the cache
would, and where that is a miss, `nearest` has the entry that comes closest, with what differs
(`comparison`). The words of all answers are in `answers`.

`survey` does so for all that a buildout needs: `needs` is what its configuration asks for,
`present` what it has already, `walk` goes from there to what these require; `outcomes` says what
may come of it.
"""
