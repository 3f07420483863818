"""Where does the egg cache hook into zc.buildout?

Only the modules in here use private names of zc.buildout, those that are the same from
zc.buildout 4.2 to 6. `compatibility` lists them; where one differs, `lacking` tells, and the
cache is switched off with a warning. `activation` puts the hooks in place and takes them away;
loading twice, or ending without `unload`, does no harm. What is known of the run is in `state`.

- `installer`: `CachingInstaller`, whose name buildout looks up at call time. `_get_dist`,
  `_satisfied`, `_fetch` and `_env_rescan_dest` are as ARCHITECTURE.rst tells; `_obtain` watches
  for an index that doesn't answer (`unanswered`), and `_make_env` lets `buildout -o` see the eggs
  that are there.
- `self_contained`: `Installer`, the one that is put in place. With `egg-cache-self-contained =
  yes` its `_satisfied` lets zc.buildout choose what is beside it, and answers with an egg of the
  same version: the one that is there, one from the cache or the index by an exact requirement, or
  one made of the wheel that `wheel_rebuild` makes again. Nobody knows the archive of that: it is
  stored under the digest of the installed files, and copied where the same files are installed.
  Only parts get such eggs: `install` looks whether there is a working set, as for recipes and
  extensions.
- `egg_making`: `call_pip_install` and `UNPACKERS`, wrapped for archives. Directories and editable
  installs pass through. `_maybe_copy_and_rename_wheel` would look into a wheel that was not
  downloaded.
- `installed_pins`: what is pinned to another version than the one beside zc.buildout. Such pins of
  what extensions require are fetched before any extension is loaded.
- `extension_eggs` stores what was fetched that way, and counts it for the summary.
- `developing`: `easy_install.develop` finds what the build requires in a directory of archives
  from the cache. If that isn't enough, it is built again as ever. Offline (`-o`) without such
  archives, it makes do with the setuptools that is there.
- `Buildout._maybe_upgrade`: what it installs is for buildout itself, not for parts.

What has no `Installation` is not for the cache: `easy_install.build` (`zc.recipe.egg:custom`)
goes round `_get_dist`, and if `Installer._dest` is None (offline) nothing arrives. Renaming,
collisions, log lines and the order of the working set stay buildout's own.
"""
