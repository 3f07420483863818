"""How does Sphinx make the pages? `bin/docs` runs it."""

import configparser
from pathlib import Path

_setup = configparser.ConfigParser(interpolation=None)
_setup.read(Path(__file__).resolve().parents[1] / 'setup.cfg', encoding='utf-8')

project = 'egg.cache'
author = _setup['metadata']['author']
project_copyright = author
release = version = _setup['metadata']['version']

# A link to something that is not there is a warning, and bin/docs makes an error of it.
nitpicky = True
html_theme = 'furo'
html_title = 'egg.cache'
