#!/bin/sh
# Print the path of a Python that densefit runs on, 3.9 to 3.12. Used by the Makefile.
#
# Each candidate is run, because a name on the PATH may be a shim that only prints an error.
check='import sys; sys.exit(not (3, 9) <= sys.version_info[:2] <= (3, 12))'

if [ -n "$PYTHON" ]; then
    candidates=$PYTHON
else
    candidates='python3.11 python3.10 python3.12 python3.9 python3 python'
fi
for candidate in $candidates; do
    if "$candidate" -c "$check" 2>/dev/null; then
        "$candidate" -c 'import sys; print(sys.executable)'
        exit 0
    fi
done
cat >&2 <<EOF
error: densefit needs Python 3.9, 3.10, 3.11 or 3.12
  tried:  $candidates
  why:    MXNet 1.9.1 needs numpy < 2, which has no wheels for newer Pythons
  fix:    install one of them, or name it: make PYTHON=/path/to/python3.11 demo
EOF
exit 1
