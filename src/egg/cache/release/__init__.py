"""How does a buildout become something that can be installed elsewhere?"""
