"""XML from outside: no document type, so no entity that grows or reaches for another file."""

from __future__ import annotations

from typing import IO
from xml.parsers import expat

_CHUNK_BYTES = 1 << 14


class _DoctypeError(Exception):
    """The document declares a type."""


class _RootError(Exception):
    """The first element is reached: no declaration may follow."""


def declares_type(stream: IO[bytes]) -> bool:
    """Say whether an XML document begins with a document type, the only place where entities are declared.

    Only what stands before the first element is read, whatever the encoding. What is no XML declares nothing: the
    reader that comes after says what is wrong with it.

    Examples
    --------
    >>> import io
    >>> declares_type(io.BytesIO(b"<osm/>")), declares_type(io.BytesIO(b"<!DOCTYPE osm [<!ENTITY a 'b'>]><osm/>"))
    (False, True)
    """

    def refuse(*_: object) -> None:
        raise _DoctypeError

    def stop(*_: object) -> None:
        raise _RootError

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = stop
    try:
        while chunk := stream.read(_CHUNK_BYTES):
            parser.Parse(chunk, False)
    except _DoctypeError:
        return True
    # an encoding that does not exist is a LookupError
    except (_RootError, expat.ExpatError, LookupError, ValueError):
        return False
    return False
