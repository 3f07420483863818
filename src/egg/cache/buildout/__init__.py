"""What does the egg cache do inside a run of zc.buildout?"""
