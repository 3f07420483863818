"""What can `egg-cache` do? One module a verb, which holds its arguments and how it answers.

A verb's module has `NAME`, `HELP` (one line), `EXAMPLE`, `add_arguments(parser)` and
`run(options, layout, console)`, which returns the exit status. `CACHE` says what becomes of the
cache directory before that (see `location`); without it, the directory is checked. The work is
done by packages further down, which never print. `cache` has the verbs about a cache, `buildout`
those about a buildout or a release of it.
"""
