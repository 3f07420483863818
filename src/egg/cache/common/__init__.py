"""What does everything else need?

Nothing in here knows what an egg is: exceptions (`errors`), small files in one step (`files`),
clones and hard links (`linking`), values that a stranger may have written (`validation`), work
for several threads (`thread_pool`), which directory is full (`disk_space`), how people write sizes
and times (`units`), and how the command speaks (`console`).
"""
