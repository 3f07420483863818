"""What did the runs do that used this cache?

A run writes a file of its own (`recorder`, in the format of `run_record`) and counts for its last
line (`counters`). `history` reads them all, and folds those of many runs into sums (`totals`), so
that each run is counted once, whoever is killed meanwhile.
"""
