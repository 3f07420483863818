"""What runs where egg.cache is not installed: each module is one script of standard library.

The scripts are copied out of here, so none imports another one, nor anything of egg.cache, which
may use their functions. They parse on Python 3.6, to say that it is too old. Some helpers are in
both; a test holds these against each other.

`bootstrap` is the `bootstrap.py` that people get. It has its own small readers of
`.buildinfo.json`, of the metadata of eggs and of the manifests of the egg cache.

- *Everything is at hand before anything is written*: what is fetched is made into eggs in a
  temporary directory, and `bin/buildout --version` has run from there. Then eggs appear by
  renames, `.installed.cfg` steps aside, and `bin/buildout` is last.
- Eggs from the index: a temporary virtual environment has a pip, pip gets wheels, and a
  zc.buildout that pip unpacked makes eggs of them, with nothing beside it.
- `.installed.cfg` is foreign if no path that it records is in this directory, and some have
  another root: what is left of a path if `bin`, `parts`, `eggs` or `develop-eggs` is taken away,
  or the directory that `.buildinfo.json` names.
- `bin/buildout` drops `site-packages` from `sys.path`, and namespaces that were made there at the
  start of the interpreter. setuptools puts copies of other distributions on `sys.path`, in
  `setuptools/_vendor`; zc.buildout 6 would prefer that packaging to the egg. An importer of its
  own finds modules there, but `pkg_resources` no distributions. Extensions are added to
  zc.buildout's own path, or 5 and 6 don't find them offline. With `-o`, pip builds develop eggs
  without isolation, since it could not get what that takes.
- The `*.dist-info` of own eggs is called as in the wheel: zc.buildout 5 and 6 add the platform,
  and pip, from 24.1 on, doesn't run beside a setuptools with such a version.

`install` lies in each release as `install.py`, beside `bootstrap.py`; the verbs `install` and
`rollback` call its functions, and `pack` tries each release with it.

- *The document decides.* It is read as if a stranger had written it, before anything is written;
  then the archive is read once more, and each member has to be what the document lists: path,
  kind, size, digest. Nothing is extracted by `tarfile`: files are created in a new directory that
  nobody else can enter. No more is read of an archive than the document announces. A link may
  have `..` at its beginning only, so that no chain of links leads out.
- *An archive of changes* has a merge patch instead of the document. What comes of it must have
  the digest that was announced, so the result is the full release, file by file; what the archive
  doesn't have is copied from the base and compared on the way.
- *`current` is switched by one rename*, after everything is on the disk (one `os.sync`: 0.3 s
  after 24,000 files, of which unpacking takes 3 s). Until then, whatever was made is removed on
  the way out, also by `SIGTERM`. Signals wait while a process is started, and are ignored from
  the switch on.
- *`history`* is written after the switch, and when rolling back before it: so the release that
  `current` leads to is the newest one wherever a process was killed.
- *The lock* is held by the process that sets up, too: if its parent is killed, the next
  installation waits until it has ended. What has the name of a stage in `releases` is nobody's
  then. A release that was never current, and was not placed by this process, is made anew.
- *Data are never removed.* `.setup.json`, in the release, has the digests of all files that the
  set-up and the test made. What is neither of the archive nor there with this digest was written
  later: then the release stays, and `--verify` names it. Before a set-up begins, what is there
  already is written down, so that a second one, or one that was killed, makes nothing its own.
"""
