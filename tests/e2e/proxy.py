# SPDX-License-Identifier: Apache-2.0
"""A way to a server that a test can bar."""
import contextlib
import socket
import threading

from support import inside


class Proxy:
    """TCP from 127.0.0.1 of a network namespace to an address of this one; the test cuts it as a network does."""

    def __init__(self, where, to):
        self.where, self.to, self.port = where, to, 0
        self.listener, self.sockets = None, set()
        self.open()

    def open(self):
        with inside(self.where):
            listener = socket.create_server(("127.0.0.1", self.port))
        self.port, self.listener = listener.getsockname()[1], listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                try:
                    far = socket.create_connection(self.to, 10)
                except OSError:
                    near.close()
                    continue
                far.settimeout(None)
                self.sockets |= {near, far}
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    @staticmethod
    def _copy(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def cut(self):
        """Ends the connections; new ones are taken."""
        for each in list(self.sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self.sockets.clear()

    def close(self):
        """Ends the connections and refuses new ones."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut()
