"""A port to listen on, taken before anything depends on its number."""

import socket

from bot.faults import UserFault


def listening_socket(host: str, port: int, setting: str) -> tuple[socket.socket, str]:
    """A socket that listens, and its address without a slash at its end; port 0 takes any free one.

    Raises UserFault where the port can't be had, with the setting that names it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
        listening.setblocking(False)
    except OSError as fault:
        listening.close()
        raise UserFault(
            f"Port {port} of {host} can't be had: {fault.strerror}. Close the program that has it, or set {setting}."
        ) from fault
    got = listening.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    return listening, f"http://{shown}:{got}"
