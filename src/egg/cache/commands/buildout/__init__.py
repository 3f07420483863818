"""What can be done with a buildout, or with a release of it?"""
