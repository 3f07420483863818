"""Power loss: what was renamed is there, what was written into it before may be lost."""

import os
import random
import shutil
from pathlib import Path

import pytest
from support import faults, scenes, trees
from support.properties import SEED

#: What is left of a write that was lost.
LOSSES = {
    'empty': lambda data: b'',
    'zeros': lambda data: b'\0' * len(data),
    'short': lambda data: data[: len(data) // 2],
}
ATTRIBUTES = ('fchmod', 'chmod', 'utime')


class Recording:
    """What one scene does to the disk, so that it can be done again elsewhere, with losses."""

    def __init__(self, stage):
        self.place = stage.new()
        record = faults.Record()
        with faults.Operations(self.place.top, record) as operations:
            stage.play(self.place, operations)
        self.operations = [
            operation for operation in record.operations
            if operation.changes and any(path.startswith(f'{self.place.cache}')
                                         for path in operation.paths)
        ]  # fmt: skip

    def unsynced(self, end):
        """Return the positions, before `end`, of what a loss of power may undo."""
        return [position for position, operation in enumerate(self.operations[:end])
                if operation.name == 'write' or operation.name in ATTRIBUTES]  # fmt: skip

    def replay(self, place, end, lost, loss):
        """Do the first `end` operations below another place, but lose those in `lost`."""
        for position, operation in enumerate(self.operations[:end]):
            paths = [Path(str(place.top) + path[len(str(self.place.top)):])
                     for path in operation.paths]  # fmt: skip
            self.apply(operation, paths, loss if position in lost else None)

    def apply(self, operation, paths, loss):
        name, path = operation.name, paths[-1]
        try:
            if name == 'open':
                if not path.exists():
                    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, operation.arguments[2]))
            elif name == 'write':
                data = bytes(operation.arguments[1])
                mode = path.stat().st_mode
                os.chmod(path, 0o600)
                with open(path, 'ab') as file:
                    file.write(LOSSES[loss](data) if loss in LOSSES else data)
                os.chmod(path, mode)
                if loss == 'gone':
                    path.unlink()
            elif name in ('fchmod', 'chmod'):
                if loss is None:
                    os.chmod(path, operation.arguments[1])
            elif name == 'utime':
                if loss is None:
                    times = {name: operation.options[name]
                             for name in ('ns',) if name in operation.options}  # fmt: skip
                    os.utime(path, **times)
            elif name in ('rename', 'replace'):
                os.rename(*paths)
            elif name == 'symlink':
                os.symlink(operation.arguments[0], path)
            elif name == 'mkdir':
                os.mkdir(path)
            elif name in ('unlink', 'remove'):
                os.unlink(path)
            elif name == 'rmdir':
                os.rmdir(path)
            else:
                assert name == 'close', name
        except FileExistsError:
            assert name in ('mkdir', 'rename', 'symlink'), operation
        except FileNotFoundError:
            # Of what failed, and of what has gone with the loss.
            assert name in ('mkdir', 'unlink', 'utime', 'fchmod', 'write', 'rename',
                            'replace'), operation  # fmt: skip
        except OSError:
            assert name == 'rmdir', operation


def cases(recording):
    """Return (operations that happened, those of them that are lost, how) for every case."""
    count = len(recording.operations)
    final = next(position for position, operation in enumerate(recording.operations, 1)
                 if operation.name == 'rename' and '/v1/' in operation.paths[1])  # fmt: skip
    for end in range(count + 1):
        unsynced = recording.unsynced(end)
        # Before the entry is visible one loss tells as much as all.
        for start in range(len(unsynced) + 1) if end in (final, count) else [0]:
            for loss in (*LOSSES, 'gone') if unsynced[start:] else ('none',):
                yield end, set(unsynced[start:]), loss


def replay(stage, recording, chosen, caplog):
    """Play the cases; return how many eggs were hits, and how much damage was recognised."""
    recognised = hits = 0
    for end, lost, loss in chosen:
        place = stage.new()
        recording.replay(place, end, lost, loss)
        caplog.clear()
        where = f'{loss} of {sorted(lost)}, {end} operations'
        result = scenes.run(place)
        assert trees.differences(stage.expected, scenes.snapshot(result.egg)) == [], where
        hits += not result.built
        recognised += any('is damaged: ' in message for message in caplog.messages)
        assert scenes.faults(place.layout) == [], where
        assert scenes.run(place).built == 0, where
        shutil.rmtree(place.top)
    return recognised, hits


def test_what_power_loss_leaves_is_recognised_and_never_served(tmp_path, say, caplog):
    stage = scenes.Stage(tmp_path, 'store')
    recording = Recording(stage)
    every = list(cases(recording))
    late = [case for case in every if case[0] == len(recording.operations)]
    chosen = random.Random(SEED).sample(late, 50) + random.Random(SEED).sample(every, 20)
    recognised, hits = replay(stage, recording, chosen, caplog)
    say(f'store: {len(chosen)} of {len(every)} losses, {recognised} with damage '
        f'that was recognised, {hits} hits, nothing damaged served')  # fmt: skip
    assert recognised > 20


@pytest.mark.slow
@pytest.mark.parametrize('name', ['store', 'refresh', 'set-aside'])
def test_whatever_power_loss_leaves_is_recognised_and_never_served(tmp_path, name, say, caplog):
    stage = scenes.Stage(tmp_path, name)
    recording = Recording(stage)
    every = list(cases(recording))
    recognised, hits = replay(stage, recording, every, caplog)
    say(f'{name}: {len(every)} losses in {len(recording.operations)} operations, {recognised} '
        f'with damage that was recognised, {hits} hits, nothing damaged served')  # fmt: skip
    assert len(every) > 100
    assert recognised > 50
    assert hits > 0
