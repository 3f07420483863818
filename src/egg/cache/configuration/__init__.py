"""What is a buildout told by its configuration?"""
