"""What is worth its place in the cache, and is it sound?

`selection` finds the entries that somebody means, `verify` compares them with their manifests,
`prune` chooses those that go, `cleanup` finds what is of no use, and `clear` all that is ours.

The value of an entry are the seconds that it saves for each of its bytes, to a power of two, and
then its last use (`candidates`). All entries are weighed without reading their manifests in full
(`manifest_summary`): one second for 10,000. At the end of a run, `prune.after_run` has two
seconds; if they are not enough to look at everything, a random sample has to shrink as the whole
would. An entry that is used between the choice and the removal stays.
"""
