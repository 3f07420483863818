"""What runs where egg.cache is not installed: each module is one script of standard library.

The scripts are copied out of here, so none imports another one, nor anything of egg.cache, which
imports their functions. They parse on Python 3.6, to say that it is too old.
"""
