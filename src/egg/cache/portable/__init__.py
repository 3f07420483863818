"""What points out of a buildout, and what does it need to live elsewhere?"""
