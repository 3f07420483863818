"""What does a buildout ask of its index, and what if the index does not answer?"""

import hashlib
import html
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit


class Index:
    """A package index on a loopback port, which writes down what it is asked for.

    `/simple/` is an index as of PEP 503, `/links/` one flat page for find-links. The
    archives are kept in memory: a later change of their files changes nothing here.

    - `announce`: True (sha256), 'md5', or False for links without a digest.
    - `requests`: the paths that were asked for, in order; `pages` and `downloads` are
      those of one kind, `clear()` forgets them.
    - `status`: when set, every answer is this error; `page_status` and
      `download_status` are the same for one kind.
    - `delay`: seconds that each download has to wait.
    """

    def __init__(self, *archives, announce=True):
        self.announce = announce
        self.status = self.page_status = self.download_status = None
        self.delay = 0
        self.requests = []
        self._files = {}
        self._lock = threading.Lock()
        self._server = None
        self._port = 0
        for path in archives:
            self.add(path)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc_info):
        self.stop()

    def start(self):
        """Answer from now on, after a `stop` on the same port as before."""
        self._server = _Server(('127.0.0.1', self._port), _Handler)
        self._server.index = self
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        """Refuse connections from now on."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def root(self):
        return f'http://127.0.0.1:{self._port}/'

    @property
    def url(self):
        """The address for `index =`."""
        return self.root + 'simple/'

    @property
    def links_url(self):
        """The address for `find-links =`."""
        return self.root + 'links/'

    def archive_url(self, name):
        """The address of the archive with this file name, without a digest."""
        return self.root + 'files/' + quote(name)

    def add(self, path, project=None, requires_python=None, announce=None, digest=None):
        """Offer the archive at `path`, instead of one of the same file name.

        `announce` is as for the index but for this one archive; a given `digest`
        ('sha256=...') is announced whether it is true or not.
        """
        path = Path(path)
        project = normalized(project or _project_of(path.name))
        with self._lock:
            self._files[path.name] = _File(
                project, path.read_bytes(), announce, digest, requires_python)
        return path

    def remove(self, name):
        """Offer no longer: one file name, or every archive of a project."""
        name = Path(name).name
        with self._lock:
            names = [file_name for file_name, file in self._files.items()
                     if file_name == name or file.project == normalized(name)]
            for file_name in names:
                del self._files[file_name]
        return names

    @property
    def pages(self):
        return [path for path in self.requests if not path.startswith('/files/')]

    @property
    def downloads(self):
        """The file names of the archives that were asked for."""
        return [path[len('/files/'):] for path in self.requests if path.startswith('/files/')]

    def clear(self):
        del self.requests[:]

    def answer(self, path):
        """Return (status, content type, body) for a request, and write it down."""
        self.requests.append(path)
        is_file = path.startswith('/files/')
        time.sleep(self.delay if is_file else 0)
        status = self.status or (self.download_status if is_file else self.page_status)
        if status:
            return status, 'text/plain', b'out of order'
        with self._lock:
            if is_file:
                return self._answer_file(path[len('/files/'):])
            return self._answer_page(path)

    def _answer_file(self, name):
        if name not in self._files:
            return 404, 'text/plain', b'no such archive'
        return 200, 'application/octet-stream', self._files[name].data

    def _answer_page(self, path):
        kind, _, project = path.strip('/').partition('/')
        if kind == 'links':
            return _page(self._links(self._files))
        if kind != 'simple':
            return 404, 'text/plain', b'no such page'
        projects = sorted({file.project for file in self._files.values()})
        if not project:
            return _page(f'<a href="/simple/{name}/">{name}</a>' for name in projects)
        if normalized(project) not in projects:
            return 404, 'text/plain', b'no such project'
        return _page(self._links(name for name, file in self._files.items()
                                 if file.project == normalized(project)))

    def _links(self, names):
        for name in sorted(names):
            yield self._files[name].link(name, self.announce)


class _File:

    def __init__(self, project, data, announce, digest, requires_python):
        self.project = project
        self.data = data
        self.announce = announce
        self.digest = digest
        self.requires_python = requires_python

    def link(self, name, announce):
        announce = announce if self.announce is None else self.announce
        fragment = self.digest or (_digest(self.data, announce) if announce else '')
        address = f'/files/{quote(name)}' + (f'#{fragment}' if fragment else '')
        python = self.requires_python
        attribute = f' data-requires-python="{html.escape(python)}"' if python else ''
        return f'<a href="{address}"{attribute}>{html.escape(name)}</a>'


class _Server(ThreadingHTTPServer):

    daemon_threads = True
    block_on_close = False                  # a client that hangs must not hang the tests
    allow_reuse_address = True

    def handle_error(self, request, client_address):
        """Say nothing: a client that was killed is what a test may want."""


class _Handler(BaseHTTPRequestHandler):

    def do_GET(self):
        status, content_type, body = self.server.index.answer(unquote(urlsplit(self.path).path))
        self.send_response(status)
        self.send_header('Content-Type', content_type)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *args):
        """Say nothing: the index has its own list of requests."""


def normalized(project):
    """Return the name of `project` as PEP 503 wants it."""
    return re.sub(r'[-_.]+', '-', project).lower()


def _project_of(file_name):
    return re.split(r'-\d', file_name, maxsplit=1)[0]


def _digest(data, algorithm):
    algorithm = 'sha256' if algorithm is True else algorithm
    return f'{algorithm}={hashlib.new(algorithm, data).hexdigest()}'


def _page(links):
    lines = '\n'.join(f'{link}<br>' for link in links)
    body = f'<!DOCTYPE html>\n<html><body>\n{lines}\n</body></html>\n'
    return 200, 'text/html; charset=utf-8', body.encode()
