"""ringtail for Python, by ctypes alone: nothing to compile, no packet copied.

    with ringtail.Source("eth0", filter="tcp port 443") as source:
        for batch in source:
            with batch:
                for packet, data in batch:
                    inspect(packet.timestamp_ns, data)      # data: a read-only memoryview of the memory it arrived in

A batch is a loan: leaving its `with` gives the memory back, and then no view of it may be read any more. A view that
outlives it shows other packets, so whoever keeps bytes makes a copy of them: bytes(data). Without a `with` it goes back
when neither the batch nor a view of it is left.

What the names mean is told in <ringtail/ringtail.h>. RINGTAIL_LIBRARY names another library than libringtail.so.0.
"""

import ctypes
import os
from ctypes import (POINTER, byref, c_char, c_char_p, c_int, c_int32, c_int64, c_size_t, c_uint16, c_uint32, c_uint64,
                    c_void_p)

PACKETS, TIMEOUT, NO_CREDIT, INTERRUPTED, END_OF_STREAM = range(5)


class Packet(ctypes.Structure):
    """ringtail_packet: 40 bytes."""
    _fields_ = [("offset", c_uint64), ("timestamp_ns", c_uint64), ("captured_length", c_uint32),
                ("wire_length", c_uint32), ("rx_hash", c_uint32), ("flags", c_uint32), ("vlan_tci", c_uint16),
                ("vlan_tpid", c_uint16), ("interface_id", c_uint16), ("queue", c_uint16)]


class _Batch(ctypes.Structure):
    _fields_ = [("packets", POINTER(Packet)), ("memory", c_void_p), ("loan", c_void_p), ("count", c_uint32),
                ("reserved", c_uint32)]


class _Error(ctypes.Structure):
    _fields_ = [("error_number", c_int32), ("bad_usage", c_int32), ("message", c_char * 1016)]


class OpenOptions(ctypes.Structure):
    """ringtail_open_options."""
    _fields_ = [("struct_bytes", c_size_t), ("filter", c_char_p), ("buffer_bytes", c_uint64),
                ("block_bytes", c_uint64), ("snaplen", c_uint32), ("retire_timeout_ms", c_uint32),
                ("batch_packets", c_uint32), ("promiscuous", c_int32), ("direction", c_int32),
                ("timestamp_type", c_int32), ("link_type", c_int32), ("wait_for_interface", c_int32),
                ("flow_hash", c_int32), ("lock_filter", c_int32), ("numa_node", c_int32), ("fanout_mode", c_int32),
                ("fanout_group", c_int32), ("fanout_rollover", c_int32), ("fanout_defragment", c_int32),
                ("dpdk_huge_pages", c_int32), ("dpdk_arguments", c_char_p), ("dpdk_file_prefix", c_char_p),
                ("dpdk_queues", c_uint32), ("dpdk_queue", c_int32), ("dpdk_descriptors", c_uint32),
                ("dpdk_mtu", c_uint32), ("busy_poll", c_int32), ("dpdk_link_wait_ms", c_uint32)]


class Stats(ctypes.Structure):
    """ringtail_stats."""
    _fields_ = [(name, c_uint64) for name in (
        "received", "delivered", "dropped_ring", "unread", "dropped_interface", "freezes", "truncated",
        "delivered_bytes", "malformed")]


def _load():
    library = ctypes.CDLL(os.environ.get("RINGTAIL_LIBRARY", "libringtail.so.0"))
    prototypes = {
        "ringtail_init_open_options": (None, POINTER(OpenOptions), c_size_t),
        "ringtail_open": (c_void_p, c_char_p, POINTER(OpenOptions), POINTER(_Error)),
        "ringtail_close": (None, c_void_p),
        "ringtail_receive": (c_int, c_void_p, c_int64, POINTER(_Batch)),
        "ringtail_release": (None, POINTER(_Batch)),
        "ringtail_keep_first": (None, POINTER(_Batch), c_uint32),
        "ringtail_stop": (None, c_void_p),
        "ringtail_interrupt": (None, c_void_p),
        "ringtail_failure": (c_int, c_void_p, POINTER(_Error)),
        "ringtail_pollable_descriptor": (c_int, c_void_p),
        "ringtail_get_stats": (None, c_void_p, POINTER(Stats), c_size_t),
    }
    for name, (result, *arguments) in prototypes.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


_library = _load()


class Error(Exception):
    """What was tried, why it failed, and what to do about it."""


class Batch:
    """Packets on loan. Iterating gives (packet, data); `packets` is the array of descriptors, `memory(packet)` bytes."""

    def __init__(self):
        self._batch = _Batch()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()

    def __del__(self):
        self.release()

    def __len__(self):
        return self._batch.count

    @property
    def packets(self):
        address = ctypes.cast(self._batch.packets, c_void_p).value
        return self._lend((Packet * len(self)).from_address(address)) if address else (Packet * 0)()

    def memory(self, packet):
        """A packet's captured bytes where they lie, read-only."""
        address = self._batch.memory + packet.offset
        array = self._lend((c_char * packet.captured_length).from_address(address))
        return memoryview(array).cast("B").toreadonly()

    def _lend(self, array):
        array.batch = self  # which stays as long as anybody looks at it
        return array

    def __iter__(self):
        for packet in self.packets:
            yield packet, self.memory(packet)

    def keep_first(self, count):
        """Keeps only the first packets; the source counts the rest as unread."""
        _library.ringtail_keep_first(byref(self._batch), count)

    def release(self):
        """Gives the memory back, on any thread, in any order."""
        _library.ringtail_release(byref(self._batch))


class Source:
    """An open source. Keywords are the fields of ringtail_open_options: filter="udp", snaplen=96 ..."""

    def __init__(self, device, **options):
        settings = OpenOptions()
        _library.ringtail_init_open_options(byref(settings), ctypes.sizeof(settings))
        for name, value in options.items():
            if not hasattr(settings, name):
                raise TypeError(f"no such option: {name}")
            setattr(settings, name, value.encode() if isinstance(value, str) else value)
        error = _Error()
        self._source = _library.ringtail_open(device.encode(), byref(settings), byref(error))
        if not self._source:
            raise Error(error.message.decode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _open(self):
        if not self._source:
            raise Error("use a source: it is closed")
        return self._source

    def close(self):
        """Ends the capture. Batches stay valid until they are released."""
        source, self._source = self._source, None
        _library.ringtail_close(source)

    def receive(self, timeout_ns=-1):
        """(status, batch): waits at most so long; a negative time is as long as it takes."""
        batch = Batch()
        status = _library.ringtail_receive(self._open(), timeout_ns, byref(batch._batch))
        return status, batch

    def __iter__(self):
        """Batches until the end of the stream. Wakes up now and then, so that Python sees Ctrl-C."""
        while True:
            status, batch = self.receive(200_000_000)
            if status == PACKETS:
                yield batch
            elif status == END_OF_STREAM:
                error = _Error()
                if _library.ringtail_failure(self._open(), byref(error)):
                    raise Error(error.message.decode())
                return

    def stop(self):
        """Ends the inflow; what has been accepted still comes."""
        _library.ringtail_stop(self._open())

    def interrupt(self):
        _library.ringtail_interrupt(self._open())

    def fileno(self):
        """For select and selectors; -1 for files."""
        return _library.ringtail_pollable_descriptor(self._open())

    def stats(self):
        stats = Stats()
        _library.ringtail_get_stats(self._open(), byref(stats), ctypes.sizeof(stats))
        return stats
