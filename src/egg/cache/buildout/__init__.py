"""What does the egg cache do inside a run of zc.buildout?

`session` answers what the hooks ask, `installation` follows one distribution on its way into the
eggs directory. `copying` makes verified copies, `storing` keeps what was built, `fallback` chooses
where no index answers. What is built from source may have an environment of its own: a second
session has these entries. It is made when the first of them turns up, so nothing is read before
(`from_source`). A run must not fail
because of its cache: `failures` turns what goes wrong with the disk into one warning, and
`damaged_entries` sets aside what isn't what was stored. What zc.buildout is asked and told in
private is in `hooks`.

Develop eggs are built by pip, in isolation, in each run. `build_requirements` lets pip find what
that requires in a directory; what it was at first, `pip_reports` tells.

Nothing is looked up twice in a run, and the eggs directory isn't scanned after each hit. What is
left beside copying is mostly buildout's own way of an egg: two temporary directories, three looks
at the egg's metadata, and its log lines. Modules that a run with nothing to do can't need are
imported late (filelock, pruning, sums).
"""
