"""Where does the egg cache hook into zc.buildout?"""
