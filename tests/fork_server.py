"""The server of tests/forked.py: a process that has imported much, and forks programs."""

import array
import atexit
import gc
import importlib
import json
import os
import random
import runpy
import selectors
import signal
import socket
import sys
import threading
import types
import warnings
import weakref
from pathlib import Path

ROOT = str(Path(__file__).parents[1])
#: What programs of tests import; what is not installed is left out.
IMPORTED = (
    *("numpy", "cv2", "densefit.backend", "torch", "torch.distributed"),
    *("densefit.train.fit", "densefit.evaluation.score", "densefit.tasks", "densefit.datasets"),
    *("densefit.engine.mxnet", "densefit.engine.torch", "densefit.interop.module"),
    *("densefit.interop.iterators", "densefit.data.loader.loader", "sympy", "onnxruntime"),
    # what a training by a recipe takes a second to import
    *("matplotlib.figure", "matplotlib.backends.backend_agg", "matplotlib.ticker"),
    *("densefit.tools.train_det", "densefit.tools.score", "densefit.tools.report.report"),
    *("densefit.visualize.plotting", "docstring_parser", "PIL.Image"),
)
#: Packages whose `register_all` is called: a program that looks for a name calls it.
REGISTERED = ("densefit.tasks", "densefit.datasets")
LAUNCHER = "DENSEFIT_LAUNCHER"
LARGEST = 1 << 20  # bytes of a message


def send(channel, value, descriptors=()):
    """Send a value of JSON, with file descriptors."""
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
    channel.sendmsg([json.dumps(value).encode()], rights if descriptors else [])


def receive(channel, flags=0):
    """(value, file descriptors); EOFError at the end."""
    room = socket.CMSG_SPACE(8 * array.array("i").itemsize)
    text, rights, _, _ = channel.recvmsg(LARGEST, room, flags)
    if not text:
        raise EOFError
    descriptors = array.array("i")
    for _, _, data in rights:
        descriptors.frombytes(data)
    return json.loads(text), list(descriptors)


class Server:
    """Forks for each program that comes from the processes that run tests.

    Args:
        listener: socket to which they connect.
        owner: their first process, with which the server ends.
    """

    def __init__(self, listener, owner):
        self.waiting = selectors.DefaultSelector()
        self._call(listener, self._accept)
        self._call(os.pidfd_open(owner), lambda _: os._exit(0))

    def _call(self, source, function, *rest):
        self.waiting.register(source, selectors.EVENT_READ, (function, *rest))

    def serve(self):
        """Return (program, streams) in each forked process."""
        while True:
            for key, _ in self.waiting.select():
                function, *rest = key.data
                program = function(key.fileobj, *rest)
                if program:
                    return program

    def _accept(self, listener):
        self._call(listener.accept()[0], self._fork)

    def _fork(self, channel):
        try:
            program, (status, *streams) = receive(channel)
        except (EOFError, ConnectionError):
            self.waiting.unregister(channel)
            channel.close()
            return None
        client = socket.socket(fileno=status)
        process = os.fork()
        if not process:
            client.close()
            self._close()
            return program, streams
        for stream in streams:
            os.close(stream)
        self._tell(client, process)
        self._call(os.pidfd_open(process), self._ended, client, process)
        return None

    @staticmethod
    def _tell(client, number):
        try:
            send(client, number)
        except OSError:  # nobody waits for it
            pass

    def _close(self):
        """Close what is the server's, in a forked process."""
        for key in list(self.waiting.get_map().values()):
            for source in (key.fileobj, *key.data[1:2]):
                source.close() if isinstance(source, socket.socket) else os.close(source)
        self.waiting.close()

    def _ended(self, descriptor, client, process):
        self.waiting.unregister(descriptor)
        os.close(descriptor)
        _, status = os.waitpid(process, 0)
        self._tell(client, status)
        client.close()


def become(program, streams, defaults):
    """Take over streams, environment and folder; returns what is left to run.

    `defaults` are environment variables that the import of densefit has set.
    """
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    if program["start_new_session"]:
        os.setsid()
    os.environ.clear()
    is_imported = "densefit" not in program["forget"]
    os.environ.update({**(defaults if is_imported else {}), **program["environment"]})
    if LAUNCHER in os.environ:  # ranks end with their parent
        os.environ[LAUNCHER] = str(os.getppid())
    os.chdir(program["cwd"])
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    for name in list(sys.modules):
        if name.split(".")[0] in program["forget"]:
            del sys.modules[name]
    arguments = program["arguments"]
    while arguments[0] == "-W":
        warnings._processoptions(arguments[1:2])
        arguments = arguments[2:]
    return arguments


def run(arguments):
    """Run a program as `python *arguments` does."""
    paths = program_paths()
    kind, rest = arguments[0], arguments[1:]
    if kind == "-c":
        sys.argv, sys.path[:] = ["-c", *rest[1:]], ["", *paths]
        main = sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(rest[0], "<string>", "exec"), main.__dict__)
    elif kind == "-m":
        sys.argv, sys.path[:] = rest, [os.getcwd(), *paths]
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv, sys.path[:] = arguments, [os.path.dirname(os.path.abspath(kind)), *paths]
        runpy.run_path(kind, run_name="__main__")


def finish(arguments):
    """Run a program, and end as Python does, but leave the many modules, whose end takes 1 s."""
    status = 0
    try:
        run(arguments)
    except SystemExit as end:
        status = end.code
        if status is not None and not isinstance(status, int):
            print(status, file=sys.stderr)
            status = 1
    except BaseException as error:
        status = 1
        sys.excepthook(type(error), error, error.__traceback__)
        if isinstance(error, KeyboardInterrupt):
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.raise_signal(signal.SIGINT)
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit((status or 0) & 255)


def program_paths():
    """sys.path without the program's folder, with PYTHONPATH in front."""
    given = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
    return list(dict.fromkeys([*given, *sys.path[1:]]))


if __name__ == "__main__":
    before = dict(os.environ)
    for name in IMPORTED:
        try:
            importlib.import_module(name)
        except Exception as error:
            if not (isinstance(error, ImportError) or type(error).__name__ == "EngineError"):
                raise
    for name in REGISTERED:
        if name in sys.modules:
            sys.modules[name].register_all()
    gc.collect()
    for imported in gc.get_objects():
        if type(imported) is weakref.finalize:  # PyTorch has some that copy 30 MB at each end
            imported.atexit = False
    gc.freeze()  # a collection in a forked process would copy all pages
    request = Server(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])).serve()
    set_by_imports = {name: value for name, value in os.environ.items() if name not in before}
    finish(become(*request, set_by_imports))
