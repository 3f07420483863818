"""Of what does a buildout consist, for those who have to know?"""
