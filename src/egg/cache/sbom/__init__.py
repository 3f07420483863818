"""Of what does a buildout consist, for those who have to know?

`composition` lists the distributions of a buildout or a release, each with what it says of itself
(`components`) and what it requires (`dependencies`); `cyclonedx_json` writes that down.
"""
