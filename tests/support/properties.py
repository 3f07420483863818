"""How are properties tested, so that a failure can be repeated elsewhere?"""

import os
import random

from hypothesis import HealthCheck, settings

# For all processes of a run the same: the first one decides.
os.environ.setdefault('TEST_SEED', str(random.SystemRandom().randrange(10**6)))

#: What everything that is left to chance starts from; it is printed, and may be given.
SEED = int(os.environ['TEST_SEED'])

# A deadline, or how slowly values are made, would test the machine. The blob of a failure
# repeats it (@reproduce_failure).
PROPERTY = settings(deadline=None, print_blob=True,
                    suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
# Each example makes files.
DISK_PROPERTY = settings(PROPERTY, max_examples=30)
