"""What is in an egg, or in what is installed, and where does it come from?

`metadata` has name, version and requirements, `source_metadata` those of a source, `contents` all
files with their digests, `record_check` compares them with `RECORD`, and `provenance` finds the
archive. What is installed beside zc.buildout is told apart by `site_packages`, and `wheel_rebuild`
makes the wheel again that it was installed from.
"""
