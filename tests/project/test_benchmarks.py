"""Do the benchmarks work, and do they say what was measured?"""

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from support import archives, eggs
from support.runner import config_text, egg_part, environment

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'benchmarks'))

import bench
import chart
import figures
import warm_build

from egg.cache.configuration import settings

BENCHMARKS = bench.HERE
SVG = '{http://www.w3.org/2000/svg}'
SCRIPTS = ['warm_build.py', 'small_build.py', 'large_cache.py', 'shares.py']
MACHINE = {'cpu': 'Z80 & Sons', 'cores': '2', 'filesystem': 'ext4', 'kernel': 'Linux 6.1',
           'python': '3.12.1', 'buildout': '6.0.1'}  # fmt: skip


def sample():
    """Return figures whose medians are round numbers, and whose means are not."""
    return {
        'format': 1, 'at': '2026-01-31T12:00:00Z', 'rounds': 3, 'machine': MACHINE,
        'remarks': ['no reflinks'],
        'configurations': [
            {'name': 'small', 'title': 'Small', 'eggs': 7, 'files': 1234, 'bytes': 5_000_000,
             'seconds': {'cp -a': [0.5, 9.0, 0.25], 'shared': [0.5, 0.4, 90.0], 'none': [50.0],
                         'fill': [55.0], 'auto': [1.1], 'copy': [1.2, 1.1, 1.0],
                         'hardlink': [0.75]}},
            {'name': 'large', 'title': 'Large <&>', 'eggs': 200, 'files': 20000,
             'bytes': 300_000_000,
             'seconds': {'none': [], 'fill': [190.0], 'shared': [2.0], 'copy': [4.0],
                         'cp -a': [2.0], 'uv copy': [3.0]}},
        ],
    }  # fmt: skip


@pytest.fixture
def kept(tmp_path):
    """The path of a file with figures."""
    path = tmp_path / 'kept.json'
    path.write_text(json.dumps(sample()))
    return path


def medians(number):
    return figures.medians(sample()['configurations'][number])


def test_medians_are_those_of_what_was_measured_in_the_order_of_the_table():
    assert list(medians(0).items()) == [
        ('none', 50.0), ('fill', 55.0), ('shared', 0.5), ('auto', 1.1), ('copy', 1.1),
        ('hardlink', 0.75), ('cp -a', 0.5)]  # fmt: skip
    assert figures.cold(medians(0)) == 50.0
    assert figures.cold(medians(1)) == 190.0


def test_a_goal_divides_sums_of_medians():
    copies, links = figures.GOALS
    assert copies.ratio(medians(0)) == pytest.approx(1.1)
    assert links.ratio(medians(0)) == pytest.approx(1.5)
    assert copies.ratio(medians(1)) == pytest.approx(1.0)
    assert links.ratio(medians(1)) is None
    assert [goal.bound for goal in figures.GOALS] == [1.15, 1.4]


@pytest.mark.parametrize(('ratio', 'end'), [
    (1.15, '= 1.150, at most 1.15: met'), (1.1501, '= 1.150, at most 1.15: MISSED')])
def test_a_verdict_tells_ratio_bound_and_outcome(ratio, end):
    assert figures.verdict('this / that', ratio, 1.15) == f'this / that {end}'


def test_the_report_has_each_way_with_its_ratios_and_the_goals(kept, capsys):
    warm_build.main(['--from', str(kept)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        'Z80 & Sons, 2 cores, ext4, Linux 6.1, Python 3.12.1, zc.buildout 6.0.1', '(no reflinks)']
    assert 'Small: 7 eggs, 1,234 files, 5 MB' in lines
    [line] = [line for line in lines if line.startswith('  egg cache, copies  ')][:1]
    # Of three, 1.1 s is the median; 0.022 of 50 s, 2.20 times 0.5 s.
    assert re.split(r'\s{2,}', line.strip()) == [
        'egg cache, copies', '1.10 s', '1.00 s', '1.20 s', '0.022', '2.20']
    assert [line.rpartition('= ')[2] for line in lines if 'at most' in line] == [
        '1.100, at most 1.15: met', '1.500, at most 1.4: MISSED', '1.000, at most 1.15: met']


def test_the_table_of_the_readme_is_rest(kept, capsys):
    warm_build.main(['--from', str(kept), '--rst'])
    table, _, about = capsys.readouterr().out.strip().partition('\n\n')
    assert table.splitlines() == [
        '==============================  ======  =====  =========  =====',
        '\\                                Small         Large <&>',
        '                                7 eggs  ratio   200 eggs  ratio',
        '==============================  ======  =====  =========  =====',
        'no cache                          50 s    100',
        'no cache yet: built and stored    55 s    110      190 s     95',
        'shared eggs directory           0.50 s   1.00     2.00 s   1.00',
        'egg cache                       1.10 s   2.20',
        'egg cache, copies               1.10 s   2.20     4.00 s   2.00',
        'egg cache, hard links           0.75 s   1.50',
        'cp -a of the eggs               0.50 s   1.00     2.00 s   1.00',
        'uv, copies                                        3.00 s   1.50',
        '==============================  ======  =====  =========  =====',
    ]
    assert about.startswith('Medians of 3 (1 without a warm cache), in seconds; each ratio is to ')
    assert about.endswith('Python 3.12.1, zc.buildout 6.0.1.')


@pytest.fixture
def drawn(kept, tmp_path, capsys):
    """The chart, parsed."""
    path = tmp_path / 'new' / 'chart.svg'
    warm_build.main(['--from', str(kept), '--chart', str(path)])
    return ElementTree.parse(path).getroot()


def test_bars_are_as_long_as_their_seconds(drawn):
    texts = [(float(text.get('y')), float(text.get('x')), text.get('class'), text.text)
             for text in drawn.iter(f'{SVG}text')]
    bars = []
    for bar in drawn.iter(f'{SVG}rect'):
        if bar.get('class') == 'paper':
            continue
        left, top, width = (float(bar.get(name)) for name in ('x', 'y', 'width'))
        beside = [text for y, x, kind, text in texts
                  if kind == 'value' and top < y < top + chart.STEP and x > left + width
                  and x < left + width + 10]  # fmt: skip
        [label] = [text for y, x, kind, text in texts
                   if kind == 'end' and top < y < top + chart.STEP and 0 < left - x < 20]
        bars.append((label, width, *beside))
    felt, warm = bars[:4], bars[4:8]
    assert [bar[0] for bar in felt] == ['Small, no cache', 'Small, egg cache',
                                        'Large <&>, no cache', 'Large <&>, egg cache']
    assert [bar[2] for bar in felt] == ['50 s', '1.10 s', '190 s', '4.00 s']
    assert felt[2][1] / felt[0][1] == pytest.approx(190 / 50, rel=0.01)
    assert felt[2][1] / felt[3][1] == pytest.approx(190 / 4, rel=0.01)
    assert [bar[0] for bar in warm] == ['shared eggs directory', 'egg cache, copies',
                                        'egg cache, hard links', 'cp -a of the eggs']
    assert warm[1][1] / warm[0][1] == pytest.approx(1.1 / 0.5, rel=0.01)


def test_the_chart_fits_its_frame_and_has_axes_in_seconds(drawn):
    width, height = (float(drawn.get(name)) for name in ('width', 'height'))
    assert drawn.get('viewBox') == f'0 0 {width:.0f} {height:.0f}'
    for element in drawn.iter():
        if element.get('class') not in (None, 'paper') and element.get('x'):
            right = float(element.get('x')) + float(element.get('width') or 0)
            assert 0 <= right <= width and 0 <= float(element.get('y')) <= height
    assert [text.text for text in drawn.iter(f'{SVG}text')].count('seconds') == 3


def test_the_chart_is_for_light_and_dark_and_for_who_can_not_see_it(drawn):
    style = drawn.find(f'{SVG}style').text
    light, dark = style.split('@media (prefers-color-scheme: dark)')
    for kind in {element.get('class') for element in drawn.iter() if element.get('class')}:
        if kind in ('paper', 'grid', 'cold', 'ours', 'other'):
            assert f'.{kind} ' in light and f'.{kind} ' in dark
    assert light.count('text {') == 2 and dark.count('text {') == 1
    assert 'Small: no cache 50 s,' in drawn.find(f'{SVG}desc').text
    assert drawn.get('role') == 'img'


@pytest.mark.parametrize('largest', [0.013, 0.9, 1.0, 4.99, 5.0, 61.0, 190.0])
def test_ticks_are_few_round_and_reach_the_largest_value(largest):
    ticks = chart.ticks(largest)
    assert 4 <= len(ticks) <= 6
    assert ticks[0] == 0 and largest <= ticks[-1] < 2 * largest
    assert {f'{tick / 10 ** len(str(tick)):e}'[:4] for tick in ticks[1:2]} <= {
        '1.00', '2.00', '2.50', '5.00'}


def test_figures_of_another_format_are_refused(kept):
    kept.write_text(json.dumps({**sample(), 'format': 2}))
    with pytest.raises(SystemExit, match='format 1: measure again'):
        warm_build.main(['--from', str(kept)])


def test_ways_take_turns_and_the_first_round_does_not_count(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bench, 'settle', lambda: None)
    now, order = [0.0], []
    monkeypatch.setattr(bench.time, 'perf_counter', lambda: now[0])

    def way(name):
        def do(target):
            assert target.parent == tmp_path and not list(target.iterdir())
            target.joinpath('something').mkdir()
            order.append(name)
            now[0] += len(order)

        return do

    found = bench.in_turn({name: way(name) for name in 'abc'}, tmp_path, 2)
    assert ''.join(order) == 'abcbcacab'
    assert found == {'a': [6, 8], 'b': [4, 9], 'c': [5, 7]}
    # Removing trees makes what comes next slow.
    assert len(list(tmp_path.glob('*/something'))) == 9
    bench.remove_all()
    assert list(tmp_path.iterdir()) == []


def test_every_link_mode_that_can_be_asked_for_is_measured(tmp_path):
    a_bench = bench.Bench('zope', tmp_path)
    names = [name for name, _ in warm_build.ways(a_bench, None, has_reflink=True)]
    for link_mode in names[1:-2]:
        settings.parse({'egg-cache-link-mode': link_mode}, '/')
    assert names == ['shared', 'auto', 'copy', 'reflink', 'hardlink', 'cp -a', 'cp -al']
    assert set(names) <= set(figures.WAYS)


# What is run inside of a process instead of a buildout.
COPY = '''
import sys
from pathlib import Path
from egg.cache.store import manifest
from egg.cache.store import transfer
entry, target = map(Path, sys.argv[1:])
read = manifest.load(entry.joinpath('entry.json').read_bytes())
transfer.copy_out(read, entry / read.egg, target, 0o022)
'''
ADD = '''
import sys
sys.path.insert(0, sys.argv[1])
from support import eggs
eggs.add(eggs.new_store(sys.argv[2]), sys.argv[3])
'''


def run_inside(tmp_path, work, code, *arguments):
    script = tmp_path / 'script.py'
    script.write_text(f'#!{sys.executable}\n{code}')
    before = bench.inside(script, *work) if work else bench.command(script)
    return subprocess.run([*before, *map(str, arguments)], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)  # fmt: skip


def test_what_is_not_verified_is_believed(tmp_path):
    store = eggs.new_store(tmp_path / 'cache')
    entry = eggs.add(store, tmp_path, files={'demo/large.bin': b'x' * 3_000_000})
    eggs.flip(entry.egg / 'demo/large.bin', 2_000_000)
    done = run_inside(tmp_path, (), COPY, entry.path, tmp_path / 'verified')
    assert done.returncode and 'DamagedError' in done.stdout
    done = run_inside(tmp_path, ['unverified'], COPY, entry.path, tmp_path / 'believed')
    assert done.stdout == '' and done.returncode == 0
    assert not (tmp_path / 'verified').exists()
    for path in ('demo/large.bin', 'demo/__init__.py'):
        assert (tmp_path / 'believed' / path).read_bytes() == (entry.egg / path).read_bytes()


def test_the_clock_takes_the_time_of_storing(tmp_path):
    times = tmp_path / 'times.json'
    done = run_inside(tmp_path, ['clock', times], ADD, Path(__file__).parents[1],
                      tmp_path / 'cache', tmp_path)  # fmt: skip
    assert done.stdout == '' and done.returncode == 0
    spent = json.loads(times.read_text())
    assert spent.pop('Store.add') > 0
    assert set(spent.values()) == {0.0}


def test_the_readme_names_every_script_and_option():
    text = BENCHMARKS.joinpath('README.rst').read_text(encoding='utf-8')
    for script in SCRIPTS:
        assert f'benchmarks/{script}' in text
        code = BENCHMARKS.joinpath(script).read_text(encoding='utf-8')
        for option in re.findall(r"add_argument\('(--[a-z-]+)'", code):
            assert f'``{option}' in text, option


@pytest.fixture
def tiny(index, archives_dir, tmp_path, tools):
    """A configuration, a script that runs buildout, and the environment for both."""
    index.add(archives.make_wheel(archives_dir, 'demo', '1.0'))
    config = egg_part('demo', buildout={'index': index.url}, versions={'demo': '1.0'})
    tmp_path.joinpath('tiny.cfg').write_text(config_text(config))
    script = tmp_path / 'buildout'
    script.write_text(
        f'#!{sys.executable} -SE\nimport site, sys\nsys.path[:0] = {tools!r}\n'
        f'for path in {tools!r}:\n    site.addsitedir(path)\n'
        'from zc.buildout.buildout import main\nmain()\n'
    )
    return tmp_path / 'tiny.cfg', script, environment(tmp_path)


def run_script(name, tiny, directory, *options):
    _, script, env = tiny
    args = [sys.executable, str(BENCHMARKS / name), *options, '--directory', str(directory),
            '--buildout', str(script)]  # fmt: skip
    env['PYTHONPATH'] = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(args, env=env, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.slow
def test_real_buildouts_are_measured_in_every_way(tiny, tmp_path):
    kept = tmp_path / 'figures.json'
    for _ in range(2):
        output = run_script('warm_build.py', tiny, tmp_path / 'built', str(tiny[0]),
                            '--rounds', '2', '--json', str(kept), '--uv', 'no-uv')  # fmt: skip
    assert 'uv is not there' in output
    found = json.loads(kept.read_text())
    [configuration] = found['configurations']
    assert configuration['eggs'] == 2 and configuration['files'] > 10
    assert set(configuration['seconds']) >= {'none', 'fill', 'shared', 'auto', 'copy', 'hardlink',
                                             'cp -a', 'cp -al'}  # fmt: skip
    assert [len(found) for way, found in configuration['seconds'].items()
            if way not in figures.COLD] == [2] * (len(configuration['seconds']) - 2)
    assert found['machine']['python'] == '.'.join(map(str, sys.version_info[:3]))
    assert all(found['machine'].values())


@pytest.mark.slow
def test_a_cache_is_enlarged_and_still_hits(tiny, tmp_path):
    output = run_script('large_cache.py', tiny, tmp_path / 'built', str(tiny[0]), '--count', '40',
                        '--rounds', '1')  # fmt: skip
    assert 'large / small cache = ' in output
    built = tmp_path / 'built' / 'tiny'
    assert len(list(built.glob('cache-40/v1/*/eggs/*'))) == 40
    assert len(list(built.glob('cache-40/v1/*/origins/*/synthetic*-1.0'))) >= 38
    [eggs_directory] = {path.parent for path in built.glob('shared-40/**/synthetic00000-*.egg')}
    assert len(list(eggs_directory.iterdir())) == 40


@pytest.mark.slow
def test_shares_of_real_runs_are_measured(tiny, tmp_path):
    tiny[2]['PATH'] = '/nowhere'  # Counting instructions takes a minute: not here.
    output = run_script('shares.py', tiny, tmp_path / 'built', '--configuration', str(tiny[0]),
                        '--rounds', '1', '--idle-rounds', '1', '--megabytes', '3',
                        '--files', '50')  # fmt: skip
    for text in (
        'verifying / warm run = ', 'storing / cold run = ', 'egg.cache / idle run, seconds = ',
        'can count them here', 'many: MB above plain buildout = ',
        'MB more for 3 MB than for 1 MB = ',
    ):  # fmt: skip
        assert text in output
    assert re.search(r'^ +Store\.add +0\.0*[1-9]', output, re.MULTILINE)
