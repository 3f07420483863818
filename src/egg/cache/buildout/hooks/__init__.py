"""Where does the egg cache hook into zc.buildout?

Only the modules in here use private names of zc.buildout, those that are the same from zc.buildout
4.2 to 6. `compatibility` lists them; where one differs, the cache is switched off with a warning.
`activation` puts the hooks in place and takes them away; what is known of the run is in `state`.
"""
