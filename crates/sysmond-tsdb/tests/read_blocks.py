#!/usr/bin/env python3
"""Reads the blocks of a store's file, as docs/storage-format.md describes them and by nothing else.

    read_blocks.py block FILE               the cells of a block, a line per row
    read_blocks.py log FILE WIDTH...        the cells of a row of the log; WIDTH: columns of layout 0, 1...
    read_blocks.py newest FILE              series, time, seq and value
    read_blocks.py store FILE               rows, cells and a sum of all cells of each block of a database
"""

import math
import sqlite3
import struct
import sys
import zlib

MASK = (1 << 64) - 1


def wrap(number):
    """An integer as 64 bits of two's complement have it."""
    number &= MASK
    return number - (1 << 64) if number >> 63 else number


def unzigzag(number):
    return -((number + 1) // 2) if number % 2 else number // 2


def bits_of(value):
    return struct.unpack("<Q", struct.pack("<d", value))[0]


class Bytes:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        taken = self.data[self.at : self.at + count]
        if len(taken) != count:
            raise ValueError("too short")
        self.at += count
        return taken

    def byte(self):
        return self.take(1)[0]

    def varint(self):
        number = shift = 0
        while True:
            byte = self.byte()
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7

    def signed(self):
        return unzigzag(self.varint())

    def section(self):
        return Bytes(self.take(self.varint()))

    def double(self):
        return struct.unpack("<d", self.take(8))[0]

    def nibbles(self, count):
        return [nibble for byte in self.take((count + 1) // 2) for nibble in (byte & 15, byte >> 4)][:count]


class Bits:
    def __init__(self, data):
        self.number, self.left = int.from_bytes(data, "little"), len(data) * 8

    def take(self, count):
        taken = self.number & ((1 << count) - 1)
        self.number >>= count
        self.left -= count
        if self.left < 0:
            raise ValueError("bits are missing")
        return taken


def checked(data, versions):
    if data[0] not in versions or struct.unpack("<I", data[1:5])[0] != zlib.crc32(data[5:]):
        raise ValueError("another version, or a wrong checksum")
    return Bytes(data[5:])


def prefix_code(data):
    first, last = data.byte(), data.byte()
    lengths = dict(enumerate(data.nibbles(last - first + 1), first))
    words, word = {}, 0
    for length in range(1, 13):
        word <<= 1
        for symbol in sorted(symbol for symbol, own in lengths.items() if own == length):
            words[length, word] = symbol
            word += 1
    return words


def coded(data, count):
    words = prefix_code(data)
    bits = Bits(data.data[data.at :])
    for _ in range(count):
        length = word = 0
        while (length, word) not in words:
            length, word = length + 1, word << 1 | bits.take(1)
            if length > 12:
                raise ValueError("no such word")
        symbol = words[length, word]
        if symbol < 16:
            yield symbol
        else:
            low = (symbol - 16) // 2 + 3
            yield ((2 + symbol % 2) << low) + bits.take(low)


def magnitudes(coder, data, count):
    if coder == 0:
        return [0] * count
    if coder == 1:
        width = data.byte()
        bits = Bits(data.data[data.at :])
        return [bits.take(width) for _ in range(count)]
    if coder == 2:
        return list(coded(data, count))
    places = data.varint()
    section = data.section()
    zeros = magnitudes(section.byte(), section, places)
    values = magnitudes(data.byte(), data, places)
    all_of_them = []
    for gap, value in zip(zeros, values):
        all_of_them += [0] * gap + [value + 1]
    return all_of_them + [0] * (count - len(all_of_them))


def integers(data, count):
    head = data.byte()
    order = head >> 4
    base = [data.signed() for _ in range({0: 1, 1: 2 if count else 0, 2: min(count, 2)}[order])]
    factor = data.varint() if head & 8 else 1
    residues = [unzigzag(m) * factor for m in magnitudes(head & 7, data, max(count - order, 0))]
    if order == 0:
        return [wrap(base[0] + residue) for residue in residues]
    if count < 2:
        return base[:count]
    if order == 1:
        numbers = [base[0]]
        for residue in residues:
            numbers.append(wrap(numbers[-1] + base[1] + residue))
        return numbers
    step = base[1]
    numbers = [base[0], wrap(base[0] + step)]
    for residue in residues:
        step = wrap(step + residue)
        numbers.append(wrap(numbers[-1] + step))
    return numbers


def directory_and_body(data):
    """What a block of version 3 has before its streams, and the rest."""
    whole = Bytes(data)
    version, given = whole.take(1), struct.unpack("<I", whole.take(4))[0]
    directory = whole.section()
    if given != zlib.crc32(version + data[5 : whole.at]):
        raise ValueError("a wrong checksum of the directory")
    return directory, Bytes(data[whole.at :])


def check_runs(lengths, sums, body):
    """Compares the checksum of each run of pieces."""
    start = end = 0
    for place, length in enumerate(lengths):
        end += length
        if end - start >= 4096 or place + 1 == len(lengths):
            if struct.unpack("<I", sums.take(4))[0] != zlib.crc32(body.data[start:end]):
                raise ValueError("a wrong checksum of columns")
            start = end
    if (sums.at, end) != (len(sums.data), len(body.data)):
        raise ValueError("more than there are pieces")


class Block:
    def __init__(self, data):
        data, body = directory_and_body(data) if data[0] == 3 else (checked(data, (1, 2)), None)
        self.rows, columns, streams = data.varint(), data.varint(), data.varint()
        self.times = integers(data.section(), self.rows)
        self.seqs = integers(data.section(), self.rows)
        lengths = [data.varint() for _ in range(streams)]
        entries, series = [], 0
        for _ in range(columns):
            series += data.varint()
            entries.append((series, data.varint()))
        if body:
            check_runs(lengths + [length for _, length in entries], data, body)
            data = body
        self.streams = [integers(Bytes(data.take(length)), self.rows) for length in lengths]
        self.columns = [(series, data.take(length)) for series, length in entries]

    def values(self, place):
        """A value per row, None where there is none."""
        data = Bytes(self.columns[place][1])
        head = data.byte()
        present = list(range(self.rows))
        if head & 0x10:
            section = data.section()
            present, row = [], 0
            for index, run in enumerate(integers(section, section.varint())):
                present += range(row, row + run) if index % 2 == 0 else []
                row += run
        exceptions = []
        if head & 0x20:
            count = data.varint()
            places = integers(data.section(), count)
            exceptions = [(place, data.double()) for place in places]
        column = [None] * self.rows
        values = self.body(head & 15, data, present)
        for place, value in exceptions:
            values[place] = value
        for row, value in zip(present, values):
            assert math.isfinite(value)
            column[row] = value
        return column

    def body(self, mode, data, present):
        if mode == 0:
            return [data.double()] * len(present)
        if mode == 1:
            power = float(10 ** data.byte())
            return [float(number) / power for number in integers(data, len(present))]
        if mode == 2:
            stream = self.streams[data.varint()]
            numbers = integers(data, len(present))
            return [1000.0 * float(number) / float(stream[row]) for number, row in zip(numbers, present)]
        if mode == 3:
            numbers = integers(data, len(present))
            ordered = (number if number >= 0 else (number & MASK) ^ (MASK >> 1) for number in numbers)
            return [struct.unpack("<d", struct.pack("<Q", number))[0] for number in ordered]
        rule, a, b = data.byte(), data.varint(), data.varint()
        follow = [
            lambda a, b: 100.0 * a / b,
            lambda a, b: 100.0 * a / (a + b),
            lambda a, b: a - b,
            lambda a, b: 100.0 * (a - b) / a,
        ][rule]
        a, b = self.values(a), self.values(b)
        # What does not follow stands among the exceptions.
        both = ((a[row], b[row]) for row in present)
        return [None if None in pair else follow(*pair) for pair in both]


def print_block(block):
    print("time seq", *(series for series, _ in block.columns))
    columns = [block.values(place) for place in range(len(block.columns))]
    for row, (time, seq) in enumerate(zip(block.times, block.seqs)):
        cells = (column[row] for column in columns)
        print(time, seq, *("." if cell is None else f"{bits_of(cell):016x}" for cell in cells))


def print_log(data, widths):
    data = checked(data, (1,))
    while data.at < len(data.data):
        print("host", data.varint(), "received", data.signed())
        while layout := data.varint():
            rows, seq, time, times = data.varint(), data.varint(), 0, []
            for _ in range(rows):
                time = wrap(time + data.signed())
                times.append(time)
            nibbles = iter(data.nibbles(rows * widths[layout - 1]))
            last = [0.0] * widths[layout - 1]
            for time in times:
                cells = [cell(next(nibbles), before, data) for before in last]
                print(layout - 1, time, seq, *("." if c is None else f"{bits_of(c):016x}" for c in cells))
                last = [0.0 if c is None else c for c in cells]
                seq += 1


def cell(nibble, last, data):
    if nibble == 0:
        return last
    if nibble <= 7:
        return float(int(last) + unzigzag(int.from_bytes(data.take(nibble), "little")))
    return data.double() if nibble == 8 else None


def print_newest(data):
    data = Bytes(data)
    series = time = seq = 0
    for _ in range(data.varint()):
        series, time, seq = series + data.varint(), wrap(time + data.signed()), wrap(seq + data.signed())
        print(series, time, seq, f"{bits_of(data.double()):016x}")


def print_store(path):
    conn = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    for table in ("young", "block", "rollup"):
        for number, data in conn.execute(f"SELECT id, data FROM {table} ORDER BY id"):
            block = Block(data)
            values = [cell for place in range(len(block.columns)) for cell in block.values(place)]
            present = [bits_of(cell) for cell in values if cell is not None]
            print(table, number, block.rows, len(present), f"{sum(present) & MASK:016x}")


def read(path):
    with open(path, "rb") as file:
        return file.read()


if __name__ == "__main__":
    what, path, *rest = sys.argv[1:]
    if what == "store":
        print_store(path)
    elif what == "log":
        print_log(read(path), [int(width) for width in rest])
    elif what == "newest":
        print_newest(read(path))
    else:
        print_block(Block(read(path)))
