#!/usr/bin/env bash
# PIP_NO_COMPILE=1 makes pip compile, and PIP_NO_COMPILE=0 keeps it from that.
#
# A good guess: the variable stands for the option --no-compile, so 1 switches compiling off.
# What happens: pip reads the value of a negative option as that of what is negated (`compile`), as it
# also does with PIP_NO_BUILD_ISOLATION; 1 is the default, and 0 is what --no-compile does.
# Seen with pip 26.3, CPython 3.11, and six 1.17.0 installed with --target:
#     (not set): 1 .pyc
#     PIP_NO_COMPILE=1: 1 .pyc
#     PIP_NO_COMPILE=0: 0 .pyc
#     --no-compile: 0 .pyc
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
export HOME=$work PIP_CONFIG_FILE=/dev/null PIP_DISABLE_PIP_VERSION_CHECK=1
unset PIP_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL PYTHONPATH PYTHONDONTWRITEBYTECODE

"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install -q pip==26.3
count() { find "$1" -name '*.pyc' | wc -l | tr -d ' '; }
install() { venv/bin/python -m pip install -q --no-deps --target "$1" "${@:2}" six==1.17.0; }
env -u PIP_NO_COMPILE venv/bin/python -m pip install -q --no-deps --target unset six==1.17.0
(export PIP_NO_COMPILE=1; install one)
(export PIP_NO_COMPILE=0; install zero)
install option --no-compile
unset_=$(count unset) one=$(count one) zero=$(count zero) option=$(count option)
printf '%s .pyc\n' "(not set): $unset_" "PIP_NO_COMPILE=1: $one" "PIP_NO_COMPILE=0: $zero" "--no-compile: $option"
[ "$unset_ $one $zero $option" = '1 1 0 0' ]
