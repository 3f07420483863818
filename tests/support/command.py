"""How does a test run `egg-cache`, in its own process?"""

import json
import re
from pathlib import Path

from egg.cache import cli

MANUAL = Path(__file__).resolve().parents[2] / 'docs/command.rst'


def run(capsys, *arguments):
    """Run `egg-cache` and return (exit status, stdout, stderr)."""
    try:
        status = cli.main(list(map(str, arguments)))
    except SystemExit as error:                 # argparse
        status = error.code
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def answer(capsys, *arguments, status=0):
    """Run `egg-cache ... --json` with that exit status and return the document."""
    found, output, errors = run(capsys, *arguments, '--json')
    assert found == status, errors
    return json.loads(output)


def fields(document, prefix=''):
    """Return the names of all fields of a JSON document, such as `entries[].size`."""
    if isinstance(document, dict):
        for name, value in document.items():
            yield f'{prefix}{name}'
            yield from fields(value, f'{prefix}{name}.')
    elif isinstance(document, list):
        for value in document:
            yield from fields(value, f'{prefix.removesuffix(".")}[].')


def assert_documented(verb, *documents):
    """Fail unless docs/command.rst names all fields of these documents of a verb, and no others.

    Together, the documents should have every field that the verb can print.
    """
    named = documented(verb)
    printed = {name for document in documents for name in fields(document)}
    free = tuple(name[:-1] for name in named if name.endswith('.*'))
    unnamed = {name for name in printed - named if not name.startswith(free or '\0')}
    above = {name for name in unnamed
             if any(other.startswith((f'{name}.', f'{name}[]')) for other in named)}  # fmt: skip
    assert unnamed - above == set(), f'docs/command.rst does not name these of {verb}'
    missing = {name for name in named - printed if not name.endswith('.*')}
    assert missing == set(), f'docs/command.rst names these of {verb}, which it did not print'


def documented(verb):
    """Return the names of the fields that docs/command.rst has for a verb."""
    return {name for name in terms(verb) if not is_argument(name)}


def arguments(verb):
    """Return the arguments that docs/command.rst has for a verb, in their order."""
    return [name for name in terms(verb) if is_argument(name)]


def is_argument(name):
    """Tell whether that is an option or a positional argument, not a field of a document."""
    return name.startswith('-') or name == name.upper() or '|' in name


def terms(verb):
    """Return what docs/command.rst defines in the section about a verb."""
    lines = re.findall(r'^(``[^`]+``(?:, ``[^`]+``)*)$', section(verb), re.M)
    return [name for line in lines for name in re.findall('``([^`]+)``', line)]


def section(verb):
    """Return the text of docs/command.rst about a verb."""
    text = MANUAL.read_text('utf-8')
    found = re.search(rf'^{verb}\n-+\n(.*?)(?=^\S+\n---|\Z)', text, re.M | re.S)
    assert found, f'docs/command.rst has no section about {verb}'
    return found[1]
