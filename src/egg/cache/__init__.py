"""An egg cache for self-contained buildouts, as an extension of zc.buildout."""
