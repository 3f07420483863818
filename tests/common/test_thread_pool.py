"""The thread pool: several threads do the same work, and the first failure ends it."""

import threading
import time

import pytest

from egg.cache.common import thread_pool

COUNT = 3 * thread_pool.MANY


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.setattr(thread_pool, '_core_count', lambda: 2)


@pytest.mark.parametrize('count', [0, 1, thread_pool.MANY - 1, thread_pool.MANY, COUNT])
def test_each_job_is_done_once(count):
    done = []
    thread_pool.share(range(count), done.append)
    assert sorted(done) == list(range(count))


def test_two_threads_work_at_the_same_time():
    meeting = threading.Barrier(2, timeout=30)
    threads = set()

    def do(job):
        threads.add(threading.get_ident())
        if job < 2:
            meeting.wait()

    thread_pool.share(range(COUNT), do)
    assert len(threads) == 2


@pytest.mark.parametrize('count', [thread_pool.MANY - 1, 1])
def test_few_jobs_are_not_worth_a_thread(count):
    threads = set()
    thread_pool.share(range(count), lambda job: threads.add(threading.get_ident()))
    assert threads == {threading.get_ident()}


@pytest.mark.parametrize('error', [OSError(28, 'No space left on device'), KeyboardInterrupt()])
@pytest.mark.parametrize('is_helper', [False, True])
def test_a_failure_in_any_thread_ends_the_work_and_is_raised(error, is_helper):
    done = []
    failed = threading.Event()

    def do(job):
        if (threading.current_thread() is not threading.main_thread()) == is_helper:
            failed.set()
            raise error
        failed.wait(30)
        time.sleep(0.01)
        done.append(job)

    with pytest.raises(type(error)):
        thread_pool.share(range(10_000), do)
    assert len(done) <= 1
    count = len(done)
    time.sleep(0.05)
    assert len(done) == count  # Nobody works on behind our back.
    assert threading.active_count() == 1 or all(
        thread.name != 'egg.cache' for thread in threading.enumerate())


def test_where_no_thread_can_be_had_the_work_is_done(monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, 'start', refuse)
    done = []
    thread_pool.share(range(COUNT), done.append)
    assert sorted(done) == list(range(COUNT))


def test_one_core_gets_one_thread(monkeypatch):
    monkeypatch.setattr(thread_pool, '_core_count', lambda: 1)
    threads = set()
    thread_pool.share(range(COUNT), lambda job: threads.add(threading.get_ident()))
    assert threads == {threading.get_ident()}
