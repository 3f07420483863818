"""Runs zc.buildout with nothing but the standard library and the given tools on its path.

The first argument is a JSON object: `tools`, a list of directories, and `log`, a file
that gets one JSON line (the arguments) for each process that is started.
"""

import json
import os
import site
import sys

STANDARD = os.path.dirname(os.__file__)


def is_standard(path):
    return path.endswith('.zip') or (
        path.startswith(STANDARD) and not path.endswith(('site-packages', 'dist-packages')))


def log_processes(path):
    def hook(event, args):
        if event == 'subprocess.Popen':
            arguments = args[1] if isinstance(args[1], (list, tuple)) else [args[1]]
            line = json.dumps([os.fsdecode(argument) for argument in arguments])
            with open(path, 'a', encoding='utf-8') as log:
                log.write(line + '\n')
    sys.addaudithook(hook)


def main():
    settings = json.loads(sys.argv.pop(1))
    standard = [path for path in sys.path[1:] if is_standard(path)]
    sys.path[:] = settings['tools'] + standard
    for path in settings['tools']:
        site.addsitedir(path)               # old namespace packages need their .pth files
    log_processes(settings['log'])
    import zc.buildout.buildout
    zc.buildout.buildout.main()


if __name__ == '__main__':
    main()
