"""What is a buildout told by its configuration?

`settings` are the options of egg.cache, `index_options` those that say where to look for
distributions, and `local_archives` what lies there. All that are known in a run. `buildout_cfg`
reads the configuration of any buildout without running it, with zc.buildout's own class
(`zc_reader`), and `location` says with it which directory is the egg cache of `egg-cache`.
"""
