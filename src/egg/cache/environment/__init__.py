"""On what does an egg depend, beside its archive?

`environment` makes the environment key: interpreter, platform, egg format, build variables. Two
buildouts share an egg only if they have the same. What enters it is named in other places, too:
`explain.comparison` and `commands.cache.showing` say it in words, and `standalone.bootstrap` makes
the same `environment.json` to find eggs by.

Wheels become the same eggs everywhere; what is built from source depends on more
(`source_builds`): on pip's options for builds (`build_options`), whether variables or files of
pip's configuration say them (`pip_config`), and files of constraints count by their content
(`constraints`). Where there are any, `Environment.for_sources` has a key of its own. Compilers
have no key (`compilers`): what may lack something without them isn't stored, and whether anything
could have been compiled, the archive tells (`sdist_contents`). What a source says that its build
requires, reads `build_system`.
"""
