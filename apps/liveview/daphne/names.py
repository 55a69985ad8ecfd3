"""The names of daphne, Twisted and autobahn that this folder relies on beyond their documented interfaces.

The versions in requirements.txt have all of them. Other versions may not, and then stock daphne serves.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

ATTRIBUTES: Final = {
    "daphne.server:": ("HTTPFactory", "Server", "WebSocketFactory"),
    "daphne.server:Server": (
        "check_headers_type", "create_application", "handle_reply", "kill_all_applications", "listen_success", "run",
    ),
    "daphne.cli:CommandLineInterface": ("load_asgi_app", "server_class"),
    "daphne.http_protocol:HTTPFactory": ("acceptableProtocols", "buildProtocol", "protocol"),
    "daphne.http_protocol:WebRequest": (
        "check_timeouts", "connectionLost", "finish", "handle_reply", "process", "send_disconnect",
    ),
    "daphne.ws_protocol:WebSocketFactory": ("protocol",),
    "daphne.ws_protocol:WebSocketProtocol": (
        "CONFIG_ATTRS", "STATE_OPEN", "_cancelAutoPingTimeoutCall", "_dataReceived", "check_timeouts",
        "connectionLost", "connectionMade", "onPing", "onPong", "sendCloseFrame", "sendData",
    ),
    "twisted.internet.abstract:FileDescriptor": (
        "bufferSize", "disconnecting", "loseConnection", "loseWriteConnection", "pauseProducing", "registerProducer",
        "resumeProducing", "unregisterProducer", "write",
    ),
    "twisted.internet.tcp:Connection": ("abortConnection",),
    "twisted.web.http:": ("_GenericHTTPChannelProtocol",),
    "twisted.web.http:HTTPChannel": (
        "_savedTimeOut", "_send100Continue", "_waitingForTransport", "allContentReceived", "allHeadersReceived",
        "callLater", "checkPersistence", "connectionLost", "connectionMade", "dataReceived", "isSecure", "length",
        "loseConnection", "pauseProducing", "persistent", "rawDataReceived", "requestDone", "resumeProducing",
        "setTimeout", "timeoutConnection",
    ),
    "twisted.web.http:Request": (
        "finished", "getHeader", "gotLength", "handleContentChunk", "requestReceived", "startedWriting",
    ),
}  # fmt: skip

# Attributes of instances: these functions have to use them.
USED_BY: Final = {
    "daphne.http_protocol:WebRequest.__init__": ("_response_started", "application_queue", "server"),
    "daphne.server:Server.__init__": ("proxy_forwarded_address_header",),
    "daphne.server:Server.run": (
        "HTTPFactory", "WebSocketFactory", "connections", "endpoints", "kill_all_applications",
    ),
    "twisted.web.http:HTTPChannel.connectionMade": ("_networkProducer",),
    "twisted.web.http:HTTPChannel.lineReceived": ("_command", "_path", "_version", "requests"),
    "twisted.web.http:Request.requestReceived": ("_parsePOSTFormSubmission", "clientproto", "content", "process"),
    "autobahn.websocket.protocol:WebSocketProtocol._connectionMade": (
        "CONFIG_ATTRS",
        "autoPingTimeoutCall",
        "send_queue",
        "trafficStats",
    ),
    "autobahn.websocket.protocol:WebSocketProtocol._dataReceived": ("logOctets", "state"),
    "autobahn.websocket.protocol:WebSocketProtocol.processData": ("current_frame", "current_frame_masker", "data"),
    "daphne.ws_protocol:WebSocketProtocol.onConnect": ("last_ping",),
}  # fmt: skip


def gone() -> list[str]:
    """Those that are missing."""
    missing = [
        f"{place}.{name}".replace(":.", ".")
        for place, names in ATTRIBUTES.items()
        for name in names
        if not hasattr(_find(place), name)
    ]
    missing += [
        f"{name} of {function}"
        for function, names in USED_BY.items()
        for name in names
        if name not in getattr(getattr(_find(function), "__code__", None), "co_names", ())
    ]
    return missing


def _find(place: str) -> Any:
    """A module, or what a dotted name in it leads to; None if it isn't there."""
    module_name, _, dotted = place.partition(":")
    try:
        found: Any = import_module(module_name)
    except ImportError:
        return None
    for name in filter(None, dotted.split(".")):
        found = getattr(found, name, None)
    return found
