"""What points out of a buildout, and what does it need to live elsewhere?

`buildout_paths` says where a buildout has what, `used_eggs` which eggs it uses, `installed_cfg`
and `buildinfo` what its last run wrote down. `selfcontained` looks for what leads out of it (in
scripts and texts with `embedded_paths`, in shared objects with `elf`), `findings` are what comes
of that, and `script_requirements` names what a script takes from a `site-packages`.
`modified_eggs` compares each egg with its `RECORD`, or with the one of its name in the cache.

`relocation` does its work at the end of a run: what the active zc.buildout, extensions and
recipes need becomes an egg of the buildout, where it is none yet. Eggs that `bin/buildout` would
run from get the name of their metadata back, or pip 24.1 and later would refuse to run beside
them. Which those are says `.buildinfo.json`.
"""
