#!/usr/bin/env bash
# What does zc.buildout ask an index that doesn't have a project?
#
# A good guess: its page of the simple repository (PEP 503), as pip does, and on a 404 it is missing.
# What happens: after the 404 zc.buildout 6.0.1 reads the root page of the index, the list of all its
# projects, to look for other spellings of the name. Of a large index that is tens of megabytes and
# minutes, for one wrong name or one project that only another index has.
# Seen with zc.buildout 6.0.1, setuptools 84.2.1, pip 26.3, CPython 3.11, requests to an empty index:
#     zc.buildout: /simple/demo/ /simple/
#     pip: /simple/demo/
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
export HOME=$work PIP_CONFIG_FILE=/dev/null PIP_DISABLE_PIP_VERSION_CHECK=1
unset PIP_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL PYTHONPATH PYTHONDONTWRITEBYTECODE

"${PYTHON:-python3}" -m venv venv
venv/bin/pip install -q pip==26.3 zc.buildout==6.0.1 setuptools==84.2.1 wheel==0.48.0 \
    packaging==26.4 platformdirs==4.14.9
cat >ask.py <<'PYTHON'
import http.server, logging, pathlib, subprocess, sys, threading

asked = []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked.append(self.path)
        is_root = self.path == '/simple/'
        body = b'<a href="other/">other</a>' if is_root else b''
        self.send_response(200 if is_root else 404)
        self.send_header('Content-Type', 'text/html')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f'http://127.0.0.1:{server.server_port}/simple/'
if sys.argv[1] == 'pip':
    subprocess.run([sys.executable, '-m', 'pip', 'download', '-q', '-i', url, 'demo'],
                   stderr=subprocess.DEVNULL)
else:
    import zc.buildout
    from zc.buildout import easy_install
    logging.disable(logging.CRITICAL)
    pathlib.Path('eggs').mkdir()
    try:
        easy_install.install(['demo'], str(pathlib.Path('eggs').resolve()), index=url, path=[])
    except zc.buildout.UserError:
        pass
print(*dict.fromkeys(asked))
PYTHON
buildout=$(venv/bin/python ask.py buildout 2>/dev/null | tail -1)
pip=$(venv/bin/python ask.py pip | tail -1)
echo "zc.buildout: $buildout"
echo "pip: $pip"
[ "$buildout" = '/simple/demo/ /simple/' ] && [ "$pip" = '/simple/demo/' ]
