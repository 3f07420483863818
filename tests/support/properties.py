"""How are properties tested, so that a failure can be repeated elsewhere?"""

from hypothesis import settings

# A deadline would test the machine. The blob of a failure repeats it (@reproduce_failure).
PROPERTY = settings(deadline=None, print_blob=True)
# Each example makes files.
DISK_PROPERTY = settings(PROPERTY, max_examples=30)
