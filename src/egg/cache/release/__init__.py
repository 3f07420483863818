"""How does a buildout become something that can be installed elsewhere?

`preflight` looks at a buildout and refuses one that is half-built. `packing` copies what is to be
shipped into a stage, hashing each file on the way (`staging`), writes the archive beside its
final place (`tarball`), sets up the stage as at its target (`trial_install`), and only then
renames the archive. `plan` has what is in there beside the eggs, `required_eggs` which of those
are shipped. `build_archives` is what builds of develop eggs require. `release` is `RELEASE.json`;
who reads one trusts nothing in it: that part is `standalone.install`, which has to do it on
machines without egg.cache.

What is left out:

- eggs that nothing needs: `required_eggs.choose`;
- files that were added to an egg: `packing`, by `modified_eggs.surplus`;
- what Python compiled: `staging` for all files, `modified_eggs` where eggs are compared;
- of the sources of a develop egg, repositories and what was built: `develop_eggs`;
- passwords in the configuration: `flattening.without_passwords`;
- all else of the buildout, unless it is included: `plan` looks at what is named with `--include`,
  and `packing` copies nothing else.

- *The same input gives the same bytes*: members are sorted, without owners; generated files are
  as old as the newest other file. The wheel of a develop egg is built with `SOURCE_DATE_EPOCH`,
  of a copy of the source, and its egg forgets where that was (`develop_eggs`).
- *One flat configuration says what many files said.* `buildout_cfg.sections` has what zc.buildout
  made of all files, with the defaults taken away; `flattening` writes that down. zc.buildout
  reads the file again, and any difference is a refusal, so no value can be changed by the way it
  is written.
- *What can only be built here is frozen*: a part of which everything is included loses its
  recipe, and sections that inherit from it get what they would have got.
- *The configuration of a release has* `egg-cache-self-contained = check`: the hooks let `-o` find
  eggs, and nothing that `RELEASE.json` lists is written again.
- *What the documents say is so*: each egg is compared with its `RECORD` (`modified_eggs`). What
  was changed or is missing is refused, what was added is left out. With `--allow-changed` all is
  taken, and the document has `modified` instead of the archive.
- A release that is a change (`delta`) has a JSON merge patch instead of `RELEASE.json`: 5,000
  digests are larger than most eggs.
"""
