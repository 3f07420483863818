"""What does a pin stand for, and where is its egg?

`origins` has the pointers: which archive a pin resolved to in an origin. `pins` decides whether
one may be believed. `stores` knows that what is built from source, and adopted eggs, which may
be, can lie in another environment than wheels. Pointers to known archives stay in the environment
of wheels: which archive a pin stands for is no question of how it is built. So a dangling one may
be what keeps an adopted egg of the other environment from answering.

`build_requirements` knows which archives a build that pip isolates got.
"""
