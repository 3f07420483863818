"""How does the cache take over eggs that others made?

Nobody knows their archives, so `archive` in the manifest has the kind `unknown`: its name ends
with `.unknown`, and its sha256 is that of the egg's own content (`contents.identity`), which no
archive has. Pointers lead to such an entry, in the origins that the user named, or below the
origin key `all`, which counts where an origin has no pointer of its own. `pins` lets it answer an
exact pin only while the environment has no egg of that version whose archive is known, and none
of a local version that the pin stands for, too (`1.0+local` for `1.0`); else the index is asked,
once, and the pointer that this leaves replaces the adopted one. `Session.ranked` passes adopted
eggs over.

`adoption` does it, in the environment that `destination` finds. `eligibility` refuses whatever
this environment would not have made. zc.buildout 4 makes the eggs of wheels with setuptools
(`EGG-INFO`), and later releases with pip (`*.dist-info`); of source distributions both make
`*.dist-info`, but release 4 adds an `__init__.py` where a namespace is declared, and later ones
remove it. Any other difference from `RECORD` is refused, but for files that were added: programs
write into eggs, so these are left out.
"""
